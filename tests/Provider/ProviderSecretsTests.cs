using UdpGateway.Aws;
using UdpGateway.Listeners;

namespace UdpGateway.Provider.Tests;

public sealed class ProviderSecretsTests
{
    [Theory]
    [InlineData(AwsFailure.Throttled)]
    [InlineData(AwsFailure.ServiceFault)]
    [InlineData(AwsFailure.TimedOut)]
    [InlineData(AwsFailure.ConnectionFailed)]
    public async Task What_fails_for_a_moment_is_done_again(AwsFailure failure)
    {
        var own = new FailingSecrets(failure, times: 4);

        await Secrets(own).DeleteAsync("udp-gateway/echo", default);

        Assert.Equal(5, own.Calls);
    }

    [Fact]
    public async Task What_is_refused_is_asked_once()
    {
        var own = new FailingSecrets(AwsFailure.Refused, times: 4);

        await Assert.ThrowsAsync<AwsServiceException>(() => Secrets(own).WriteAsync("udp-gateway/echo", "{}", default));

        Assert.Equal(1, own.Calls);
    }

    [Fact]
    public async Task Who_gives_up_waits_no_longer_and_learns_what_was_said()
    {
        using var giveUp = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        var own = new FailingSecrets(AwsFailure.ServiceFault, times: int.MaxValue);

        var given = await Assert.ThrowsAsync<NotYetServedException>(() => Secrets(own).ReadAsync(new SecretReference("udp-gateway/echo"), giveUp.Token));

        Assert.Equal("as the test wants.", given.Message);
    }

    private static ProviderSecrets Secrets(FailingSecrets own) =>
        new(own, new FailingSecrets(AwsFailure.Refused, times: int.MaxValue), apiKey: null, TimeProvider.System, TimeSpan.FromMilliseconds(1));

    private sealed class FailingSecrets(AwsFailure failure, int times) : ISecretStore
    {
        public int Calls { get; private set; }

        public Task<SecretText> ReadAsync(SecretReference reference, CancellationToken cancellationToken) =>
            Task.FromResult(Call() ? new SecretText(SecretReadStatus.Found, "{}") : default);

        public Task WriteAsync(string secretId, string value, CancellationToken cancellationToken) => Task.FromResult(Call());

        public Task DeleteAsync(string secretId, CancellationToken cancellationToken) => Task.FromResult(Call());

        private bool Call() => ++Calls > times ? true : throw new AwsServiceException(failure, "as the test wants", new IOException());
    }
}
