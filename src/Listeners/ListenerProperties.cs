using System.Net;
using System.Text.Json;
using UdpGateway.Listeners.Validation;

namespace UdpGateway.Listeners;

/// <summary>From CloudFormation's <c>ResourceProperties</c> to a listener that can be stored and served.</summary>
public static class ListenerProperties
{
    /// <summary>
    /// Binds and validates in one step and reports all problems at once. Never throws on any JSON,
    /// and repeats no key, however malformed.
    /// </summary>
    public static BindingResult Bind(JsonElement resourceProperties, BindingContext context)
    {
        var found = new ProblemList();
        if (resourceProperties.ValueKind is not JsonValueKind.Object)
        {
            found.Problem("ResourceProperties", null, "must be an object", "object");
            return new BindingResult(null, new Dictionary<string, KeyText>(), found.Problems, found.Warnings);
        }

        var declaration = ListenerBinder.Bind(resourceProperties, context, found);
        found.Add(new ListenerValidator(context).Validate(declaration));
        if (found.Problems.Count > 0)
            return new BindingResult(null, new Dictionary<string, KeyText>(), found.Problems, found.Warnings);

        var keys = new Dictionary<string, KeyText>(StringComparer.Ordinal);
        return new BindingResult(Define(declaration, context, keys), keys, found.Problems, found.Warnings);
    }

    private static ListenerDefinition Define(ListenerDeclaration declaration, BindingContext context, Dictionary<string, KeyText> keys) => new()
    {
        Name = declaration.Name ?? declaration.ListenerName ?? ResourceNames.Generate(context.StackId, context.LogicalResourceId),
        Description = declaration.Description,
        Protocol = ListenerValidator.IsWireGuard(declaration) ? ListenerProtocol.WireGuard : ListenerProtocol.Udp,
        Port = declaration.Port,
        Fleet = string.IsNullOrEmpty(declaration.Fleet) ? FleetDefinition.DefaultName : declaration.Fleet,
        AllowedNetworks = Networks(declaration.ClientRestrictions.Networks),
        AllowedDomains = Domains(declaration.ClientRestrictions.Domains),
        Peers = [.. declaration.Peers.Select(peer => Define(peer, keys))],
        DecapsulatedDelivery = ListenerValidator.IsWireGuard(declaration) && declaration.DecapsulatedDelivery is true,
        AllowUnknownPeers = declaration.AllowUnknownPeers is true,
        // Without effect it is not kept: nobody needs the secret that it may name.
        UnknownPeerPreSharedKey = declaration.AllowUnknownPeers is not true ? null : Define(declaration.UnknownPeerPreSharedKey, nameof(ListenerDefinition.UnknownPeerPreSharedKey), keys),
        PrivateKey = ListenerValidator.IsWireGuard(declaration) && SecretReferenceText.TryParse(declaration.PrivateKey?.Text ?? string.Empty, out var privateKey, out _) ? privateKey : null,
        KeyRotationToken = ListenerValidator.IsWireGuard(declaration) ? declaration.KeyRotationToken : null,
        Destinations = [.. declaration.Destinations.Select(Define)],
    };

    private static PeerDefinition Define(PeerDeclaration peer, Dictionary<string, KeyText> keys)
    {
        var publicKey = Parse(peer.PublicKey!).Base64;
        return new PeerDefinition
        {
            PublicKey = publicKey,
            AllowedIPs = Networks(peer.AllowedIPs),
            SharedSecret = Define(peer.SharedSecret, $"Peers/{publicKey}", keys),
        };
    }

    private static KeySource? Define(DeclaredKey? declared, string field, Dictionary<string, KeyText> keys)
    {
        if (declared is null)
            return null;
        if (SecretReferenceText.TryParse(declared.Text, out var reference, out _))
            return reference;
        keys.Add(field, Parse(declared));
        return new ListenerSecretField(field);
    }

    private static DestinationDefinition Define(DestinationDeclaration destination) => new()
    {
        Name = destination.EffectiveName,
        Description = destination.Description,
        Arns = destination.Arns.DistinctBy(entry => entry.Region).ToDictionary(entry => entry.Region, entry => entry.Arn, StringComparer.Ordinal),
        RoleArn = destination.Role,
        Batching = Define(destination.Batching),
        Formatter = destination.Formatter is { } name && Formatters.TryParse(name, out var formatter) ? formatter : PayloadFormatter.Base64,
        FilterExpression = destination.FilterExpression,
        UseAsyncInvoke = destination.UseAsyncInvoke is true,
        UseResponseStreaming = destination.UseResponseStreaming is true,
        DeadLetterArn = destination.DeadLetterArn,
        Arguments = destination.Arguments,
        Concurrency = destination.Concurrency,
        MetricsEnabled = destination.MetricsEnabled is true,
        LogGroupName = destination.EnableLogging is false ? null : destination.LogGroupName,
    };

    private static BatchingDefinition Define(BatchingDeclaration batching) => new(
        batching.Count ?? BatchingDefinition.Default.Count,
        batching.TimeoutInSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : BatchingDefinition.Default.Timeout,
        (batching.SizeInMB ?? batching.SizeInMb) is { } megabytes ? Math.Max(1, (long)(megabytes * 1_000_000)) : BatchingDefinition.Default.SizeInBytes);

    private static List<IPNetwork> Networks(IReadOnlyList<(string Path, string Text)> texts)
    {
        var networks = new List<IPNetwork>();
        foreach (var (_, text) in texts)
        {
            if (NetworkText.TryParse(text, out var network))
                networks.Add(network);
        }

        return networks;
    }

    private static List<string> Domains(IReadOnlyList<(string Path, string Text)> texts)
    {
        var domains = new List<string>();
        foreach (var (_, text) in texts)
        {
            if (DomainText.TryParse(text, out var domain))
                domains.Add(domain);
        }

        return domains;
    }

    private static KeyText Parse(DeclaredKey declared) =>
        KeyText.TryParse(declared.Text, out var key) is KeyTextFault.None ? key! : throw new InvalidOperationException("A key reached its definition without validation.");
}
