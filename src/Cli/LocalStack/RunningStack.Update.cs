using System.Text.Json;
using UdpGateway.Cli.LocalLambda;
using UdpGateway.Cli.Templates;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Cli.LocalStack;

/// <summary>What becomes of a running stack when somebody edits its files. One caller at a time.</summary>
internal sealed partial class RunningStack
{
    /// <summary>
    /// A stack update: functions first, then the custom resources, then what the template no longer has goes. Says what became of
    /// each. When it fails, everything is as before and goes on serving.
    /// </summary>
    /// <exception cref="UserErrorException">Why it failed.</exception>
    public async Task UpdateAsync(Template template, ProblemList problems, CancellationToken cancellationToken)
    {
        var secrets = new TemplateSecrets(_directory.Store);
        foreach (var secret in await secrets.StoreAsync(template, _settings.Secrets, problems, cancellationToken))
            _say($"note: The secret {secret} has no value yet; --secret {secret}=FILE gives it one when `up` is started again.");
        _state.GiveAttributesTo(template);
        var wanted = await DescribeFunctionsAsync(template, secrets, _settings, problems, cancellationToken);

        var before = (Functions, Listeners, Outputs, Local: _functions.Functions, Arns: _destinations.Template, Registrations: _registrations);
        IReadOnlyList<string> swapped;
        try
        {
            swapped = await _functions.UpdateAsync(wanted, cancellationToken);
        }
        catch (LocalLambdaException exception)
        {
            throw new UserErrorException(exception.Message);
        }

        try
        {
            _destinations.Template = new TemplateArns(template);
            await ApplyAsync(template, problems, cancellationToken);
        }
        catch
        {
            // The resources are rolled back already.
            (Functions, Listeners, Outputs, _destinations.Template) = (before.Functions, before.Listeners, before.Outputs, before.Arns);
            await _functions.UpdateAsync(before.Local, CancellationToken.None);
            await _functions.RemoveOthersAsync([.. before.Local.Select(function => function.FunctionName)]);
            throw;
        }

        await _functions.RemoveOthersAsync([.. wanted.Select(function => function.FunctionName)]);
        Describe(before.Listeners, before.Registrations, [.. before.Functions.Select(function => function.FunctionName)], swapped, before.Outputs);
    }

    /// <summary>Builds and swaps functions whose sources have changed.</summary>
    /// <param name="changedFilesByFunctionName">The files may be gone.</param>
    /// <exception cref="UserErrorException">One does not build any more, or a file cannot be read by its interpreter; all go on as they were.</exception>
    public async Task ReloadFunctionsAsync(IReadOnlyDictionary<string, IReadOnlyList<string>> changedFilesByFunctionName, CancellationToken cancellationToken)
    {
        try
        {
            await _functions.ReloadAsync(changedFilesByFunctionName, cancellationToken);
        }
        catch (LocalLambdaException exception)
        {
            throw new UserErrorException(exception.Message.Split('\n'));
        }
    }

    private void Describe(
        IReadOnlyList<ServedListener> listeners, Dictionary<string, ResourceRecord> registrations, HashSet<string> functions, IReadOnlyList<string> swapped, IReadOnlyList<KeyValuePair<string, string>> outputs)
    {
        var lines = new List<string>();
        foreach (var listener in Listeners)
        {
            var old = listeners.FirstOrDefault(candidate => candidate.LogicalId == listener.LogicalId);
            if (old is null)
                lines.Add($"{listener.LogicalId}: serves {OutputsFile.Protocol(listener)} {OutputsFile.Endpoint(listener, _settings)}{Key(listener)}.");
            else if (old.Record.PhysicalResourceId != listener.Record.PhysicalResourceId)
                lines.Add($"{listener.LogicalId}: replaced; it serves {OutputsFile.Endpoint(listener, _settings)}{Key(listener)} now, and no session was kept.");
            else if (old.Record.Version != listener.Record.Version)
                lines.Add($"{listener.LogicalId}: changed in place; {Kept(old, listener)}");
        }

        lines.AddRange(listeners.Where(old => Listeners.All(listener => listener.LogicalId != old.LogicalId)).Select(old => $"{old.LogicalId}: deleted; nothing serves its port any more."));
        lines.AddRange(_registrations.Where(now => registrations.GetValueOrDefault(now.Key)?.Version != now.Value.Version).Select(now => $"{now.Key}: {Means(now.Value)}"));
        lines.AddRange(registrations.Keys.Except(_registrations.Keys).Select(id => $"{id}: deleted; it has no effect any more."));
        foreach (var function in Functions)
        {
            if (!functions.Contains(function.FunctionName))
                lines.Add($"{function.LogicalId}: can be invoked.");
            else if (swapped.Contains(function.FunctionName))
                lines.Add($"{function.LogicalId}: changed from the next invocation on.");
        }

        lines.AddRange(functions.Except(Functions.Select(function => function.FunctionName)).Select(name => $"{name}: deleted."));
        lines.AddRange(Outputs.Except(outputs).Select(output => $"Output {output.Key}: {output.Value}"));
        _say(lines.Count == 0 ? "The template is updated; it changed nothing that runs here." : $"The template is updated.\n  {string.Join("\n  ", lines)}");
    }

    private static string Means(ResourceRecord registration) => registration switch
    {
        DestinationArnRecord { IngressRegionKey: "*" } arn => $"{arn.DestinationName} of {arn.ListenerName} delivers to {arn.Arn} now.",
        DestinationArnRecord arn => $"{arn.DestinationName} of {arn.ListenerName} delivers what comes in {arn.IngressRegionKey} to {arn.Arn} now.",
        PacketSourceRecord { Enabled: true } source => $"sends what {source.TopicArn} publishes through {source.ListenerName}.",
        PacketSourceRecord source => $"disabled; what {source.TopicArn} publishes is not sent.",
        _ => "changed in place.",
    };

    private static string Key(ServedListener listener) => listener.Record.WireGuardPublicKey is { } key ? $" with the public key {key}" : "";

    /// <summary>The gateway changes a listener between two packets; only what its clients authenticate with can end sessions.</summary>
    private static string Kept(ServedListener old, ServedListener listener)
    {
        var (before, after) = (old.Record.Definition, listener.Record.Definition);
        if (after.Protocol != before.Protocol || old.Record.WireGuardPublicKey != listener.Record.WireGuardPublicKey)
            return $"it speaks {OutputsFile.Protocol(listener)}{Key(listener)} now, and no session was kept.";
        if (after.Protocol != ListenerProtocol.WireGuard)
            return "its port stays.";
        var peersStay = before.AllowUnknownPeers == after.AllowUnknownPeers
            && before.UnknownPeerPreSharedKey == after.UnknownPeerPreSharedKey
            && Text(before.Peers) == Text(after.Peers);
        return peersStay ? "its port, its key and all sessions were kept."
            : before.AllowUnknownPeers && !after.AllowUnknownPeers ? "its port and its key were kept; the sessions of unknown peers ended."
            : "its port, its key and the sessions of peers that did not change were kept.";

        // As the store writes them: networks have no other form in JSON.
        static string Text(IReadOnlyList<PeerDefinition> peers) => JsonSerializer.Serialize(peers, ListenerJson.Default.IReadOnlyListPeerDefinition);
    }
}
