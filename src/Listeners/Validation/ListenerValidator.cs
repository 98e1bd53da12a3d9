using System.Text.RegularExpressions;
using FluentValidation;
using FluentValidation.Results;

namespace UdpGateway.Listeners.Validation;

/// <summary>Judges a listener as a whole. Messages are predicates of the property path.</summary>
internal sealed partial class ListenerValidator : AbstractValidator<ListenerDeclaration>
{
    /// <summary>
    /// Room for DestinationNames in CloudFormation's answer of 4,096 bytes. The rest is taken by the stack's ARN, ids,
    /// three host names and the public key at their longest.
    /// </summary>
    public const int DestinationNamesBudget = 2048;

    public ListenerValidator(BindingContext context)
    {
        RuleFor(listener => listener.Protocols).Custom(RequireOneProtocol);

        RuleFor(listener => listener.Name)
            .Must(BeName).When(listener => listener.Name is not null, ApplyConditionTo.CurrentValidator)
            .WithErrorCode("listener_name").WithMessage(NameSentence);
        RuleFor(listener => listener.ListenerName)
            .Must(BeName).When(listener => listener.ListenerName is not null, ApplyConditionTo.CurrentValidator)
            .WithErrorCode("listener_name").WithMessage(NameSentence);
        RuleFor(listener => listener.ListenerName)
            .Equal(listener => listener.Name).When(listener => listener.Name is not null && listener.ListenerName is not null, ApplyConditionTo.CurrentValidator)
            .WithErrorCode("listener_name_twice").WithMessage("is another spelling of Name and must be equal to it or absent");

        RuleFor(listener => listener.Port)
            .InclusiveBetween(1, 65535).WithErrorCode("listener_port").WithMessage("must be a port from 1 to 65535");
        RuleFor(listener => listener.Fleet)
            .Must(fleet => string.IsNullOrEmpty(fleet) || FleetValidator.BeName(fleet)).WithErrorCode("fleet_name").WithMessage(FleetValidator.NameSentence)
            .DependentRules(() => RuleFor(listener => listener.Fleet)
                .Must(fleet => context.HasFleet(string.IsNullOrEmpty(fleet) ? FleetDefinition.DefaultName : fleet)).WithErrorCode("fleet_unknown")
                .WithMessage(listener => string.IsNullOrEmpty(listener.Fleet)
                    ? $"is absent and this provider has no fleet named {FleetDefinition.DefaultName}; name one of its fleets"
                    : "must be the name of a fleet of this provider; a Custom::UdpGatewayFleet makes one"));

        RuleFor(listener => listener.ClientRestrictions).SetValidator(new ClientRestrictionsValidator());

        RuleForEach(listener => listener.Peers)
            .OverrideIndexer((_, _, peer, _) => IndexOf(peer.Path)).SetValidator(new PeerValidator());
        RuleFor(listener => listener.Peers).Custom(RefuseSharedPublicKeys);
        RuleFor(listener => listener.Peers).Custom(RefuseSharedPrefixes);
        RuleFor(listener => listener.UnknownPeerPreSharedKey).MustBePresharedKey();
        RuleFor(listener => listener.PrivateKey).Custom(RequireReference);
        RuleFor(listener => listener.KeyRotationToken)
            .MaximumLength(MaxTokenLength).WithErrorCode("key_rotation_token").WithMessage("must have at most 256 characters");

        When(IsWireGuard, () =>
        {
            RuleFor(listener => listener.UnknownPeerPreSharedKey)
                .Null().When(listener => listener.AllowUnknownPeers is not true, ApplyConditionTo.CurrentValidator).WithSeverity(Severity.Warning)
                .WithErrorCode("unknown_peers_refused").WithMessage("has no effect while AllowUnknownPeers is not true");
            RuleFor(listener => listener.Peers)
                .NotEmpty().When(listener => listener.AllowUnknownPeers is not true, ApplyConditionTo.CurrentValidator).WithSeverity(Severity.Warning)
                .WithErrorCode("nobody_may_connect").WithMessage("is empty and AllowUnknownPeers is not true, so that no client can connect");
            RuleFor(listener => listener.KeyRotationToken)
                .Null().When(listener => listener.PrivateKey is not null, ApplyConditionTo.CurrentValidator).WithSeverity(Severity.Warning)
                .WithErrorCode("key_rotation_token").WithMessage("has no effect beside PrivateKey; another key there replaces the listener's");
        });

        When(IsUdp, () =>
        {
            RuleFor(listener => listener.AllowUnknownPeers)
                .NotEqual(true).WithErrorCode("wireguard_only").WithMessage("needs Protocols [wg]; a udp listener knows no peers");
            RuleFor(listener => listener.UnknownPeerPreSharedKey)
                .Null().WithErrorCode("wireguard_only").WithMessage("needs Protocols [wg]; a udp listener does not encrypt");
            RuleFor(listener => listener.Peers)
                .Empty().WithErrorCode("wireguard_only").WithMessage("needs Protocols [wg]; a udp listener knows no peers");
            RuleFor(listener => listener.DecapsulatedDelivery)
                .NotEqual(true).WithSeverity(Severity.Warning)
                .WithErrorCode("wireguard_only").WithMessage("has no effect on a udp listener");
            RuleFor(listener => listener.PrivateKey)
                .Null().WithSeverity(Severity.Warning)
                .WithErrorCode("wireguard_only").WithMessage("has no effect on a udp listener");
            RuleFor(listener => listener.KeyRotationToken)
                .Null().WithSeverity(Severity.Warning)
                .WithErrorCode("wireguard_only").WithMessage("has no effect on a udp listener");
        });

        RuleFor(listener => listener.Destinations)
            .NotEmpty().WithErrorCode("destinations_required").WithMessage("must hold at least one destination");
        RuleForEach(listener => listener.Destinations)
            .OverrideIndexer((_, _, destination, _) => IndexOf(destination.Path)).SetValidator(new DestinationValidator(context));
        RuleFor(listener => listener.Destinations).Custom(RefuseSharedNames);
        RuleFor(listener => listener.Destinations)
            .Must(destinations => NamesLength(destinations) <= DestinationNamesBudget).WithErrorCode("destination_names_length")
            .WithMessage(listener => $"has names of {NamesLength(listener.Destinations):N0} bytes together, but CloudFormation's answer has room for {DestinationNamesBudget:N0}; use fewer or shorter names");
    }

    private const int MaxTokenLength = 256;

    internal const string NameSentence = "must have 1 to 128 letters, digits and hyphens";

    internal static bool BeName(string? name) => name is not null && NamePattern().IsMatch(name);

    internal static ValidationFailure Failure(string path, string sentence, string code, object? given = null) =>
        new(path, sentence, given) { ErrorCode = code };

    internal static bool IsUdp(ListenerDeclaration listener) => Is(listener, "udp");

    internal static bool IsWireGuard(ListenerDeclaration listener) => Is(listener, "wg");

    private static bool Is(ListenerDeclaration listener, string protocol) =>
        listener.Protocols is [var only] && only.Text.Equals(protocol, StringComparison.OrdinalIgnoreCase);

    private static string IndexOf(string path) => path[path.LastIndexOf('[')..];

    private static void RequireOneProtocol(IReadOnlyList<(string Path, string Text)> protocols, ValidationContext<ListenerDeclaration> validation)
    {
        if (protocols.Count == 0)
            validation.AddFailure(Failure("Protocols", "is required and must be [udp] or [wg]", "protocols_required"));
        else if (protocols.Count > 1)
            validation.AddFailure(Failure("Protocols", "must hold exactly one protocol, udp or wg; declare one listener for each", "protocols_one", string.Join(", ", protocols.Select(protocol => protocol.Text))));
        foreach (var (path, text) in protocols)
        {
            if (text.Equals("dtls", StringComparison.OrdinalIgnoreCase))
                validation.AddFailure(Failure(path, "must be udp or wg; DTLS listeners are not supported yet", "protocol_dtls", text));
            else if (!text.Equals("udp", StringComparison.OrdinalIgnoreCase) && !text.Equals("wg", StringComparison.OrdinalIgnoreCase))
                validation.AddFailure(Failure(path, "must be udp or wg", "protocol_unknown", text));
        }
    }

    // A literal would be readable by whoever may read the template or the stack's events.
    private static void RequireReference(DeclaredKey? declared, ValidationContext<ListenerDeclaration> validation)
    {
        if (declared is null)
            return;
        if (!SecretReferenceText.LooksLikeReference(declared.Text))
            validation.AddFailure(Failure(nameof(ListenerDeclaration.PrivateKey), "must be a {{resolve:secretsmanager:…}} reference to a secret that holds the key; a private key has no place in a template", "private_key_literal"));
        else if (!SecretReferenceText.TryParse(declared.Text, out _, out var fault))
            validation.AddFailure(Failure(nameof(ListenerDeclaration.PrivateKey), fault, "private_key_reference"));
    }

    private static void RefuseSharedPublicKeys(IReadOnlyList<PeerDeclaration> peers, ValidationContext<ListenerDeclaration> validation)
    {
        var firstByKey = new Dictionary<string, PeerDeclaration>(StringComparer.Ordinal);
        foreach (var peer in peers)
        {
            if (peer.PublicKey is { } declared && KeyText.TryParse(declared.Text, out var key) is KeyTextFault.None && !firstByKey.TryAdd(key!.Base64, peer))
                validation.AddFailure(Failure($"{peer.Path}.PublicKey", $"is the key of {firstByKey[key.Base64].Path} already; every peer needs a key of its own", "peer_key_duplicate"));
        }
    }

    // Replies go by peer, so /0 on any number of peers is fine; a longer prefix says whose inner address it is.
    private static void RefuseSharedPrefixes(IReadOnlyList<PeerDeclaration> peers, ValidationContext<ListenerDeclaration> validation)
    {
        var firstByNetwork = new Dictionary<System.Net.IPNetwork, PeerDeclaration>();
        foreach (var peer in peers)
        {
            foreach (var (path, text) in peer.AllowedIPs)
            {
                if (NetworkText.TryParse(text, out var network) && network.PrefixLength > 0 && !firstByNetwork.TryAdd(network, peer) && firstByNetwork[network] != peer)
                    validation.AddFailure(Failure(path, $"is the network of {firstByNetwork[network].Path} already; only 0.0.0.0/0 and ::/0 may be shared by peers", "allowed_ip_duplicate", text));
            }
        }
    }

    private static void RefuseSharedNames(IReadOnlyList<DestinationDeclaration> destinations, ValidationContext<ListenerDeclaration> validation)
    {
        var firstByName = new Dictionary<string, DestinationDeclaration>(StringComparer.Ordinal);
        foreach (var destination in destinations)
        {
            if (!firstByName.TryAdd(destination.EffectiveName, destination))
                validation.AddFailure(Failure($"{destination.Path}.Name", $"is the name of {firstByName[destination.EffectiveName].Path} already", "destination_name_duplicate", destination.EffectiveName));
        }
    }

    // Valid names are ASCII; with an invalid one the whole declaration is refused anyway.
    private static int NamesLength(IReadOnlyList<DestinationDeclaration> destinations) => destinations.Sum(destination => destination.EffectiveName.Length + "\"\",".Length);

    [GeneratedRegex(@"\A[a-zA-Z0-9-]{1,128}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamePattern();
}
