using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard.Tests.Crypto;

/// <summary>Vectors of draft-irtf-cfrg-xchacha-03.</summary>
public sealed class XChaCha20Poly1305Tests
{
    private static readonly byte[] Key = Convert.FromHexString("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
    private static readonly byte[] Nonce = Convert.FromHexString("404142434445464748494a4b4c4d4e4f5051525354555657");
    private static readonly byte[] AssociatedData = Convert.FromHexString("50515253c0c1c2c3c4c5c6c7");

    [Fact]
    public void Derives_the_subkey_of_section_2_2_1()
    {
        var subkey = new byte[32];

        XChaCha20Poly1305.HChaCha20(
            Convert.FromHexString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
            Convert.FromHexString("000000090000004a0000000031415927"),
            subkey);

        Assert.Equal("82413b4227b27bfed30e42508a877d73a0f9e4d58a74a853c12ec41326d3ecdc", Convert.ToHexStringLower(subkey));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Seals_and_opens_the_example_of_appendix_A_3_1(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var plaintext = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."u8.ToArray();
        var sealedText = new byte[plaintext.Length + 16];
        var opened = new byte[plaintext.Length];

        XChaCha20Poly1305.Seal(crypto, Key, Nonce, plaintext, AssociatedData, sealedText);
        var authentic = XChaCha20Poly1305.TryOpen(crypto, Key, Nonce, sealedText, AssociatedData, opened);

        Assert.Equal(
            "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b452"
            + "2f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49",
            Convert.ToHexStringLower(sealedText));
        Assert.True(authentic);
        Assert.Equal(plaintext, opened);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Refuses_a_change_of_any_byte_of_the_nonce(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var nonce = (byte[])Nonce.Clone();
        var sealedText = new byte[5 + 16];
        XChaCha20Poly1305.Seal(crypto, Key, nonce, "hello"u8, AssociatedData, sealedText);

        for (var i = 0; i < nonce.Length; i++)
        {
            nonce[i] ^= 1;
            var opened = "hello"u8.ToArray();

            Assert.False(XChaCha20Poly1305.TryOpen(crypto, Key, nonce, sealedText, AssociatedData, opened));

            Assert.Equal(new byte[5], opened);
            nonce[i] ^= 1;
        }
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Refuses_lengths_other_than_32_and_24(string backend)
    {
        using var crypto = TestBackends.Create(backend);

        Assert.Throws<ArgumentException>(() => XChaCha20Poly1305.Seal(crypto, new byte[31], Nonce, [], [], new byte[16]));
        Assert.Throws<ArgumentException>(() => XChaCha20Poly1305.TryOpen(crypto, Key, new byte[12], new byte[16], [], []));
    }
}
