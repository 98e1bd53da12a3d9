using System.CommandLine;
using Microsoft.Extensions.Logging;
using UdpGateway.Cli.LocalStack;
using UdpGateway.Cli.Terminal;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider;

namespace UdpGateway.Cli.Commands;

/// <summary>Deletes what <c>up</c> left, as CloudFormation deletes a stack: by Delete events, the last created first.</summary>
internal static class DownCommand
{
    public static Command Create()
    {
        var state = UpCommand.StateOption();
        var command = new Command("down", "Deletes what `up` left: its listeners with their keys and ports, and the directory.") { state };
        command.SetAction((parsed, cancellationToken) => RunAsync(parsed.GetValue(state)!, parsed.InvocationConfiguration.Output, cancellationToken));
        return command;
    }

    private static async Task RunAsync(string stateDirectory, TextWriter output, CancellationToken cancellationToken)
    {
        if (!StateDirectory.Exists(stateDirectory))
            throw new UserErrorException($"{stateDirectory} holds no stack; --state names the directory that `up` was given.");
        var directory = StateDirectory.Open(stateDirectory);
        try
        {
            if (directory.Load() is { } state)
                await DeleteAsync(directory, state, output, cancellationToken);
        }
        finally
        {
            directory.Store.Dispose();
        }

        Directory.Delete(directory.Path, recursive: true);
        await output.WriteLineAsync($"{stateDirectory} is deleted.");
    }

    private static async Task DeleteAsync(StateDirectory directory, StackState state, TextWriter output, CancellationToken cancellationToken)
    {
        using var loggers = LoggerFactory.Create(builder => builder.AddProvider(new LineLoggerProvider(output, LogLevel.Warning)));
        var options = new ProviderOptions { Region = state.Region, AccountId = state.AccountId, DomainName = "127.0.0.1", LocalMode = true };
        using var client = CustomResourceHandler.CreateResponseClient();
        var handler = new CustomResourceHandler(options, directory.Store, directory.Store, new NothingServed(), client, TimeProvider.System, loggers.CreateLogger<CustomResourceHandler>(), new LocalPacketSources(new HashSet<string>(), output.WriteLine));
        await using var responses = await ResponseEndpoint.StartAsync(cancellationToken);
        await new Stack(directory, state, handler.HandleAsync, responses, output.WriteLine).DeleteAsync(cancellationToken);
    }

    /// <summary>While a stack is deleted, no gateway runs.</summary>
    private sealed class NothingServed : IListenerProvisioner
    {
        public Task<ListenerPorts> AllocatePortAsync(string physicalResourceId, string logicalResourceId, ListenerDefinition definition, CancellationToken cancellationToken) =>
            throw new ProvisioningException("No listener is made while the stack is deleted.");

        public Task WaitUntilServedAsync(ListenerRecord record, CancellationToken cancellationToken) =>
            throw new ProvisioningException("Nothing is served while the stack is deleted.");

        public Task ReleaseAsync(ListenerRecord record, CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
