using System.Text.Json;

namespace UdpGateway.Listeners;

/// <summary>Reads the properties of <c>Custom::ProxylityUdpGatewayListener</c> and of what nests in it.</summary>
internal static class ListenerBinder
{
    private static readonly string[] DtlsProperties = ["Psks", "CertRefreshToken", "AllowEarlyData", "EarlyDataWindowSeconds"];

    public static ListenerDeclaration Bind(JsonElement resourceProperties, BindingContext context, ProblemList found)
    {
        var properties = new PropertyBinder(resourceProperties, string.Empty, found);
        properties.Accept("ServiceToken", "ServiceTimeout", "ApiKey");
        foreach (var name in DtlsProperties.Where(properties.Has))
            found.Warning(name, null, "concerns DTLS listeners only and has no effect", "dtls_only");

        var name1 = NonEmpty(properties.Text("Name"));
        var name2 = NonEmpty(properties.Text("ListenerName"));
        var listenerName = name1 ?? name2 ?? ResourceNames.Generate(context.StackId, context.LogicalResourceId);
        var destinations = properties.Objects("Destinations") ?? [];
        var declaration = new ListenerDeclaration
        {
            Name = name1,
            ListenerName = name2,
            Description = properties.Text("Description"),
            Protocols = properties.Texts("Protocols") ?? [],
            Port = properties.Integer("Port"),
            Fleet = properties.Text("Fleet"),
            ClientRestrictions = BindClientRestrictions(properties),
            Peers = [.. (properties.Objects("Peers") ?? []).Select(BindPeer)],
            DecapsulatedDelivery = properties.Boolean("DecapsulatedDelivery"),
            AllowUnknownPeers = properties.Boolean("AllowUnknownPeers"),
            UnknownPeerPreSharedKey = Key(properties, "UnknownPeerPreSharedKey"),
            PrivateKey = Key(properties, "PrivateKey"),
            KeyRotationToken = NonEmpty(properties.Text("KeyRotationToken")),
            Destinations = [.. destinations.Select((destination, index) => BindDestination(destination, ResourceNames.GenerateDestination(listenerName, index), found))],
        };
        properties.ReportUnknown();
        return declaration;
    }

    private static ClientRestrictionsDeclaration BindClientRestrictions(PropertyBinder listener)
    {
        const string Name = "ClientRestrictions";
        if (listener.Object(Name) is not { } properties)
            return new ClientRestrictionsDeclaration { Path = Name };
        var declaration = new ClientRestrictionsDeclaration
        {
            Path = Name,
            Networks = properties.Texts("Networks") ?? [],
            Domains = properties.Texts("Domains") ?? [],
        };
        properties.ReportUnknown("is no supported restriction; Networks and Domains are, Client Policy Framework policies are not");
        return declaration;
    }

    private static PeerDeclaration BindPeer(PropertyBinder properties)
    {
        var declaration = new PeerDeclaration
        {
            Path = properties.Path,
            PublicKey = Key(properties, "PublicKey"),
            AllowedIPs = properties.Texts("AllowedIPs") ?? [],
            SharedSecret = Key(properties, "SharedSecret"),
        };
        properties.ReportUnknown();
        return declaration;
    }

    private static DestinationDeclaration BindDestination(PropertyBinder properties, string generatedName, ProblemList found)
    {
        var arguments = properties.Object("Arguments");
        var arns = properties.Map("DestinationArn", scalarKey: "*");
        var invocation = MayBe(LambdaKind.Kind, arns) || !arns.Any(entry => Arn.TryParse(entry.Text, out _)) ? arguments : null;
        var declaration = new DestinationDeclaration
        {
            Path = properties.Path,
            Name = NonEmpty(properties.Text("Name")),
            GeneratedName = generatedName,
            Description = properties.Text("Description"),
            Role = properties.TextOrWrapped("Role", "Arn"),
            Batching = BindBatching(properties),
            Arns = arns,
            Formatter = properties.Text("Formatter"),
            FilterExpression = NonEmpty(properties.Text("FilterExpression")),
            UseAsyncInvoke = invocation?.Boolean("UseAsyncInvoke"),
            UseResponseStreaming = invocation?.Boolean("UseResponseStreaming"),
            Arguments = BindArguments(arguments ?? new PropertyBinder(default, properties.PathOf("Arguments"), found), properties, arns),
            Concurrency = properties.Integer("Concurrency"),
            MetricsEnabled = properties.Boolean("MetricsEnabled"),
            LogGroupName = NonEmpty(properties.Text("LogGroupName")),
            EnableLogging = properties.Boolean("EnableLogging"),
            DeadLetterArn = NonEmpty(properties.Text("DeadLetterArn")),
        };
        arguments?.ReportUnknown();
        properties.ReportUnknown();
        return declaration;
    }

    private static DestinationArguments BindArguments(PropertyBinder arguments, PropertyBinder destination, IReadOnlyList<(string Path, string Region, string Arn)> arns) => DestinationKinds.All
        .Where(kind => kind.BindArguments is not null && MayBe(kind, arns))
        .Aggregate(new DestinationArguments(), (bound, kind) => kind.BindArguments!(arguments, destination, bound));

    // Without an ARN the kind is not known yet, and arguments of any kind may be meant.
    private static bool MayBe(DestinationKind kind, IReadOnlyList<(string Path, string Region, string Arn)> arns) =>
        arns.Count == 0 || arns.Any(entry => Arn.TryParse(entry.Arn, out var arn) && arn.Service == kind.Service);

    private static BatchingDeclaration BindBatching(PropertyBinder destination)
    {
        if (destination.Object("Batching") is not { } properties)
            return new BatchingDeclaration { Path = destination.PathOf("Batching") };
        var declaration = new BatchingDeclaration
        {
            Path = properties.Path,
            Count = properties.Integer("Count"),
            TimeoutInSeconds = properties.Number("TimeoutInSeconds"),
            SizeInMB = properties.Number("SizeInMB"),
            SizeInMb = properties.Number("SizeInMb"),
        };
        properties.ReportUnknown();
        return declaration;
    }

    private static DeclaredKey? Key(PropertyBinder properties, string name) => properties.Text(name) is { } text ? new DeclaredKey(text) : null;

    // An empty string is what a parameter with an empty default gives; it means no name, no filter, no queue, no log group.
    private static string? NonEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;
}
