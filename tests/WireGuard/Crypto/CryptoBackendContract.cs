namespace UdpGateway.WireGuard.Tests.Crypto;

/// <summary>What every backend must do; one subclass per backend.</summary>
public abstract class CryptoBackendContract : IDisposable
{
    private protected CryptoBackendContract(ICryptoBackend backend) => Backend = backend;

    private protected ICryptoBackend Backend { get; }

    public void Dispose()
    {
        Backend.Dispose();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c", "c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")]
    [InlineData("4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d", "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493", "95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957")]
    public void Agrees_on_the_vectors_of_RFC_7748_section_5_2(string scalar, string u, string expected)
    {
        Assert.Equal(expected, Convert.ToHexStringLower(Agree(Convert.FromHexString(scalar), Convert.FromHexString(u))));
    }

    [Fact]
    public void Seals_and_opens_the_example_of_RFC_8439_section_2_8_2()
    {
        var key = Convert.FromHexString("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
        var nonce = Convert.FromHexString("070000004041424344454647");
        var associatedData = Convert.FromHexString("50515253c0c1c2c3c4c5c6c7");
        var plaintext = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."u8.ToArray();
        var sealedText = new byte[plaintext.Length + 16];
        var opened = new byte[plaintext.Length];

        Backend.Seal(key, nonce, plaintext, associatedData, sealedText);
        var authentic = Backend.TryOpen(key, nonce, sealedText, associatedData, opened);

        Assert.Equal(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
            + "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
            Convert.ToHexStringLower(sealedText));
        Assert.True(authentic);
        Assert.Equal(plaintext, opened);
    }

    private byte[] Agree(byte[] privateKey, byte[] publicKey)
    {
        var ownPublicKey = new byte[32];
        var secret = new byte[32];
        var key = Backend.ImportPrivateKey(privateKey, ownPublicKey);
        Assert.True(Backend.TryAgree(key, publicKey, secret));
        Backend.Release(key);
        return secret;
    }
}
