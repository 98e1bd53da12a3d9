using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.TestDoubles;

/// <summary>Secrets that take their time to be read.</summary>
internal sealed class DistantSecrets(ISecretStore store, TimeSpan delay) : ISecretStore
{
    public async Task<SecretText> ReadAsync(SecretReference reference, CancellationToken cancellationToken)
    {
        await Task.Delay(delay, cancellationToken);
        return await store.ReadAsync(reference, cancellationToken);
    }

    public Task WriteAsync(string secretId, string value, CancellationToken cancellationToken) => store.WriteAsync(secretId, value, cancellationToken);

    public Task WriteAsync(string secretId, string value, SecretOwner owner, CancellationToken cancellationToken) => store.WriteAsync(secretId, value, owner, cancellationToken);

    public Task DeleteAsync(string secretId, CancellationToken cancellationToken) => store.DeleteAsync(secretId, cancellationToken);
}
