using UdpGateway.WireGuard.Sessions;

namespace UdpGateway.WireGuard.Tests.Sessions;

public sealed class SessionIndexCipherTests
{
    [Fact]
    public void Encrypts_the_published_vector_of_Simon32_64()
    {
        // Beaulieu et al., "The Simon and Speck Families of Lightweight Block Ciphers", appendix B.
        var cipher = SessionIndexCipher.Create(Convert.FromHexString("0001080910111819"));

        Assert.Equal(0xc69be9bb, cipher.Encrypt(0x65656877));
        Assert.Equal(0x65656877u, cipher.Decrypt(0xc69be9bb));
    }
}
