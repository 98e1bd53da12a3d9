using UdpGateway.Cli.LocalStack;
using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.Terminal;

/// <summary>What a person wants to know when everything serves.</summary>
internal static class StackSummary
{
    /// <param name="clientConfiguration">The text with its private key; null where it must not be shown.</param>
    public static void Write(TextWriter output, Template template, RunningStack stack, RunSettings settings, string? clientConfigurationPath, string? clientConfiguration)
    {
        output.WriteLine($"The stack {template.Settings.StackName} is up.");
        Section(output, "Listeners", stack.Listeners.Select(listener => (
            listener.LogicalId,
            $"{OutputsFile.Protocol(listener)} {OutputsFile.Endpoint(listener, settings)}{(listener.Record.WireGuardPublicKey is { } key ? $"  public key {key}" : "")}")));
        var runtimeWidth = stack.Functions.Select(function => function.Runtime.Length).DefaultIfEmpty().Max();
        Section(output, "Functions", stack.Functions.Select(function => (function.LogicalId, $"{function.Runtime.PadRight(runtimeWidth)}  {function.FunctionName}")));
        Section(output, "Outputs", stack.Outputs.Select(pair => (pair.Key, pair.Value)));
        if (stack.Functions.Count > 0)
            output.WriteLine($"Lambda: {stack.FunctionsAddress.ToString().TrimEnd('/')}");
        output.WriteLine($"Admin: {stack.AdminAddress.ToString().TrimEnd('/')}");
        output.WriteLine($"Dashboard: {stack.Dashboard.Address}");
        if (clientConfigurationPath is not null)
            output.WriteLine($"WireGuard client configuration: {clientConfigurationPath}");
        if (clientConfiguration is not null)
            output.WriteLine($"\n{clientConfiguration}");
        output.WriteLine("Ctrl-C stops it; the next `up` serves the same keys and ports, and `down` deletes them.");
    }

    private static void Section(TextWriter output, string title, IEnumerable<(string Name, string Value)> rows)
    {
        var all = rows.ToList();
        if (all.Count == 0)
            return;
        output.WriteLine($"{title}:");
        var width = all.Max(row => row.Name.Length);
        foreach (var (name, value) in all)
            output.WriteLine($"  {name.PadRight(width)}  {value}");
    }
}
