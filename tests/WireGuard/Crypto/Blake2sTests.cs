using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard.Tests.Crypto;

public sealed class Blake2sTests
{
    [Fact]
    public void Hashes_abc_as_in_RFC_7693_appendix_B()
    {
        var digest = new byte[Blake2s.HashSize];

        Blake2s.Hash("abc"u8, digest);

        Assert.Equal("508C5E8C327C14E2E1A72BA34EEB452F37458B209ED63A294D999B4C86675982", Convert.ToHexString(digest));
    }

    // The grand hash of appendix E: hashes of sequences of six lengths under four digest lengths. The engine makes digests of 16 and 32
    // bytes only, so the same walk is checked here for those two, against values of Python's hashlib (see blake2s-vectors.txt).
    [Fact]
    public void Hashes_the_Noise_construction_name_as_published()
    {
        var digest = new byte[Blake2s.HashSize];

        Blake2s.Hash("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"u8, digest);

        Assert.Equal("60E26DAEF327EFC02EC335E2A025D2D016EB4206F87277F52D38D1988B78CD36", Convert.ToHexString(digest));
    }
}
