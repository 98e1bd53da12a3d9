using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard.Tests.Crypto;

public sealed class CryptoBackendsTests
{
    [Theory, OnOpenSsl]
    public void OpenSSL_is_the_first_choice(string expected)
    {
        using var crypto = CryptoBackends.CreateBest();

        Assert.Equal(expected, crypto.Name);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void A_backend_tells_its_name(string backend)
    {
        using var crypto = TestBackends.Create(backend);

        Assert.Equal(backend, crypto.Name);
    }

    [Theory, OnOpenSsl]
    public void Failures_do_not_pile_up_in_OpenSSL_s_error_queue(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var key = crypto.ImportPrivateKey(Blake2sVectors.Pattern(32), new byte[32]);

        Assert.False(crypto.TryAgree(key, new byte[32], new byte[32]));
        Assert.Equal(0u, LibCrypto.ERR_peek_last_error());
        Assert.False(crypto.TryOpen(new byte[32], 0, new byte[40], [], new byte[24]));
        Assert.Equal(0u, LibCrypto.ERR_peek_last_error());
        crypto.Release(key);
    }
}
