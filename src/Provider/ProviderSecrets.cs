using UdpGateway.Listeners;

namespace UdpGateway.Provider;

/// <summary>
/// Two ways to the same Secrets Manager: to the provider's own secrets as the provider, and to what customers refer to as the gateways,
/// so that a reference that deploys is one that the gateways can read.
/// </summary>
/// <param name="apiKey">The provider's own, although a reference names it; null if there is none.</param>
internal sealed class ProviderSecrets(ISecretStore own, ISecretStore asGateway, SecretReference? apiKey) : ISecretStore
{
    public Task<SecretText> ReadAsync(SecretReference reference, CancellationToken cancellationToken) =>
        (IsOwn(reference) ? own : asGateway).ReadAsync(reference, cancellationToken);

    public Task WriteAsync(string secretId, string value, CancellationToken cancellationToken) => own.WriteAsync(secretId, value, cancellationToken);

    public Task WriteAsync(string secretId, string value, SecretOwner owner, CancellationToken cancellationToken) => own.WriteAsync(secretId, value, owner, cancellationToken);

    public Task DeleteAsync(string secretId, CancellationToken cancellationToken) => own.DeleteAsync(secretId, cancellationToken);

    private bool IsOwn(SecretReference reference) => reference == apiKey || reference.SecretId.StartsWith(ListenerSecretNames.IdPrefix, StringComparison.Ordinal);
}
