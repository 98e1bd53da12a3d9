using FluentValidation;

namespace UdpGateway.Listeners.Validation;

internal sealed class PeerValidator : AbstractValidator<PeerDeclaration>
{
    public PeerValidator()
    {
        RuleFor(peer => peer.PublicKey).Custom(RequirePublicKey);
        RuleFor(peer => peer.SharedSecret).MustBePresharedKey();
        RuleFor(peer => peer.AllowedIPs).Custom((networks, validation) => ClientRestrictionsValidator.RequireNetworks(networks, validation, "allowed_ip"));
    }

    // The value is not repeated: what stands in the wrong place may be a private key.
    private static void RequirePublicKey(DeclaredKey? declared, ValidationContext<PeerDeclaration> validation)
    {
        var path = $"{validation.InstanceToValidate.Path}.PublicKey";
        if (declared is null)
        {
            validation.AddFailure(ListenerValidator.Failure(path, "is required: the peer's WireGuard public key, base64 of 32 bytes", "peer_key_required"));
            return;
        }

        var sentence = KeyText.TryParse(declared.Text, out _) switch
        {
            KeyTextFault.None => null,
            KeyTextFault.AllZero => "is all zero, which is nobody's public key",
            KeyTextFault.WrongLength => "must be base64 of exactly 32 bytes, a WireGuard public key",
            _ => "must be base64 of 32 bytes, a WireGuard public key",
        };
        if (sentence is not null)
            validation.AddFailure(ListenerValidator.Failure(path, sentence, "peer_key"));
    }
}
