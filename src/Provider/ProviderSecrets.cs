using UdpGateway.Aws;
using UdpGateway.Listeners;

namespace UdpGateway.Provider;

/// <summary>
/// Two ways to the same Secrets Manager: to the provider's own secrets as the provider, and to what customers refer to as the gateways,
/// so that a reference that deploys is one that the gateways can read. What fails for a moment is repeated for longer than the clients do it: an
/// event has the time, and a secret that could not be deleted with its record is one that nobody names any more.
/// </summary>
/// <param name="apiKey">The provider's own, although a reference names it; null if there is none.</param>
/// <param name="pause">Between two attempts.</param>
internal sealed class ProviderSecrets(ISecretStore own, ISecretStore asGateway, SecretReference? apiKey, TimeProvider time, TimeSpan pause) : ISecretStore
{
    // Not without end: what cleans up after work that was given up is not cancelled.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public Task<SecretText> ReadAsync(SecretReference reference, CancellationToken cancellationToken) =>
        RepeatAsync(() => (IsOwn(reference) ? own : asGateway).ReadAsync(reference, cancellationToken), cancellationToken);

    public Task WriteAsync(string secretId, string value, CancellationToken cancellationToken) =>
        RepeatAsync(() => own.WriteAsync(secretId, value, cancellationToken), cancellationToken);

    public Task WriteAsync(string secretId, string value, SecretOwner owner, CancellationToken cancellationToken) =>
        RepeatAsync(() => own.WriteAsync(secretId, value, owner, cancellationToken), cancellationToken);

    public Task DeleteAsync(string secretId, CancellationToken cancellationToken) => RepeatAsync(() => own.DeleteAsync(secretId, cancellationToken), cancellationToken);

    private Task<bool> RepeatAsync(Func<Task> call, CancellationToken cancellationToken) => RepeatAsync(
        async () =>
        {
            await call();
            return true;
        },
        cancellationToken);

    private async Task<TResult> RepeatAsync<TResult>(Func<Task<TResult>> call, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        AwsServiceException? said = null;
        try
        {
            while (true)
            {
                try
                {
                    return await call();
                }
                catch (AwsServiceException failure) when (RepeatedSteps.IsTransient(failure) && time.GetElapsedTime(started) < Patience)
                {
                    said = failure;
                    await Task.Delay(pause, time, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException exception) when (said is not null && cancellationToken.IsCancellationRequested)
        {
            throw new NotYetServedException(RepeatedSteps.Sentence(said), exception);
        }
    }

    private bool IsOwn(SecretReference reference) => reference == apiKey || reference.SecretId.StartsWith(ListenerSecretNames.IdPrefix, StringComparison.Ordinal);
}
