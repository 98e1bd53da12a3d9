using Xunit.Abstractions;

namespace UdpGateway.WireGuard.Tests.Crypto;

public sealed class X25519Tests(ITestOutputHelper output)
{
    // RFC 7748 §6.1 leaves the list to the reader: the points of order 1, 2, 4 and 8 on the curve and on its twist, and their other encodings.
    private static readonly string[] LowOrderPoints =
    [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ];

    [Theory, OnOpenSsl, OnPortable]
    public void Agrees_on_the_vectors_of_RFC_7748_section_5_2(string backend)
    {
        using var crypto = TestBackends.Create(backend);

        var first = Agree(crypto, "a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4", "e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c");
        var second = Agree(crypto, "4b66e9d4d1b4673c5ad22691957d6af5c11b6421e0ea01d42ca4169e7918ba0d", "e5210f12786811d3f4b7959d0538ae2c31dbe7106fc03c3efc4cd549c715a493");

        Assert.Equal("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552", first);
        Assert.Equal("95cbde9476e8907d7aade45cb4b873f88b595a68799fa152e6f8f7647aac7957", second);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Iterates_as_in_RFC_7748_section_5_2(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var k = new byte[32];
        var u = new byte[32];
        k[0] = u[0] = 9;

        for (var iteration = 1; iteration <= 1000; iteration++)
        {
            var result = Agree(crypto, k, u);
            (u, k) = (k, result);
            if (iteration == 1)
                Assert.Equal("422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079", Convert.ToHexStringLower(k));
        }

        Assert.Equal("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51", Convert.ToHexStringLower(k));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Makes_the_key_exchange_of_RFC_7748_section_6_1(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        byte[] alicePublic = new byte[32], bobPublic = new byte[32], aliceSecret = new byte[32], bobSecret = new byte[32];

        var alice = crypto.ImportPrivateKey(Convert.FromHexString("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"), alicePublic);
        var bob = crypto.ImportPrivateKey(Convert.FromHexString("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"), bobPublic);
        var aliceAgrees = crypto.TryAgree(alice, bobPublic, aliceSecret);
        var bobAgrees = crypto.TryAgree(bob, alicePublic, bobSecret);
        crypto.Release(alice);
        crypto.Release(bob);

        Assert.True(aliceAgrees && bobAgrees);
        Assert.Equal("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a", Convert.ToHexStringLower(alicePublic));
        Assert.Equal("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f", Convert.ToHexStringLower(bobPublic));
        Assert.Equal("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742", Convert.ToHexStringLower(aliceSecret));
        Assert.Equal(aliceSecret, bobSecret);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Refuses_every_point_of_low_order_and_leaves_zeros(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var key = crypto.ImportPrivateKey(Blake2sVectors.Pattern(32, 5), new byte[32]);

        foreach (var encoding in LowOrderPoints)
        {
            var point = Convert.FromHexString(encoding);
            foreach (var highBit in (byte[])[0x00, 0x80])
            {
                point[31] |= highBit;
                var secret = Enumerable.Repeat((byte)0xaa, 32).ToArray();

                var agreed = crypto.TryAgree(key, point, secret);

                Assert.False(agreed, Convert.ToHexStringLower(point));
                Assert.Equal(new byte[32], secret);
            }
        }
        crypto.Release(key);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Agrees_again_with_the_same_key_after_a_refusal(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var peer = Convert.FromHexString("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
        var key = crypto.ImportPrivateKey(Blake2sVectors.Pattern(32, 5), new byte[32]);
        byte[] before = new byte[32], after = new byte[32];

        Assert.True(crypto.TryAgree(key, peer, before));
        Assert.False(crypto.TryAgree(key, new byte[32], new byte[32]));
        Assert.True(crypto.TryAgree(key, peer, after));

        crypto.Release(key);
        Assert.Equal(before, after);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Clamps_the_private_key(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var loose = Enumerable.Repeat((byte)0xff, 32).ToArray();
        var clamped = (byte[])loose.Clone();
        clamped[0] = 0xf8;
        clamped[31] = 0x7f;
        byte[] loosePublic = new byte[32], clampedPublic = new byte[32];

        crypto.Release(crypto.ImportPrivateKey(loose, loosePublic));
        crypto.Release(crypto.ImportPrivateKey(clamped, clampedPublic));

        Assert.Equal(clampedPublic, loosePublic);
        Assert.Equal(0xff, loose[0]);
    }

    [Theory, OnOpenSsl]
    public void Both_backends_agree_on_random_and_on_extreme_inputs(string other)
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var portable = TestBackends.Create(TestBackends.Portable);
        using var openSsl = TestBackends.Create(other);

        for (var round = 0; round < 500; round++)
        {
            byte[] privateKey = new byte[32], point = new byte[32];
            random.NextBytes(privateKey);
            random.NextBytes(point);
            // Runs of ones reach the limbs' limits and the encodings of p and above.
            if (round % 5 == 0)
                point.AsSpan(1 + random.Next(31)).Fill(0xff);
            if (round % 7 == 0)
                point.AsSpan(0, random.Next(32)).Fill(0xff);
            if (round % 11 == 0)
                privateKey.AsSpan(random.Next(32)).Fill(0xff);

            var expected = Exchange(openSsl, privateKey, point);
            var actual = Exchange(portable, privateKey, point);

            Assert.True(expected == actual, $"seed {seed}, round {round}: {Convert.ToHexString(privateKey)} times {Convert.ToHexString(point)}");
        }
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Refuses_lengths_other_than_32(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var key = crypto.ImportPrivateKey(new byte[32], new byte[32]);

        Assert.Throws<ArgumentException>(() => crypto.ImportPrivateKey(new byte[31], new byte[32]));
        Assert.Throws<ArgumentException>(() => crypto.ImportPrivateKey(new byte[32], new byte[33]));
        Assert.Throws<ArgumentException>(() => crypto.TryAgree(key, new byte[33], new byte[32]));
        Assert.Throws<ArgumentException>(() => crypto.TryAgree(key, new byte[32], new byte[31]));
        crypto.Release(key);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Allocates_nothing_for_keys_and_agreements(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        byte[] privateKey = Blake2sVectors.Pattern(32, 5), ownPublic = new byte[32], secret = new byte[32], lowOrder = new byte[32];
        void Handshake()
        {
            var key = crypto.ImportPrivateKey(privateKey, ownPublic);
            crypto.TryAgree(key, ownPublic, secret);
            crypto.TryAgree(key, lowOrder, secret);
            crypto.Release(key);
        }

        Assert.Equal(0, Allocation.OfOneRun(Handshake));
    }

    private static string Agree(ICryptoBackend crypto, string privateKey, string publicKey) =>
        Convert.ToHexStringLower(Agree(crypto, Convert.FromHexString(privateKey), Convert.FromHexString(publicKey)));

    private static byte[] Agree(ICryptoBackend crypto, byte[] privateKey, byte[] publicKey)
    {
        var secret = new byte[32];
        var key = crypto.ImportPrivateKey(privateKey, new byte[32]);
        Assert.True(crypto.TryAgree(key, publicKey, secret));
        crypto.Release(key);
        return secret;
    }

    /// <summary>Everything a caller can see of one import and one agreement.</summary>
    private static string Exchange(ICryptoBackend crypto, byte[] privateKey, byte[] point)
    {
        byte[] ownPublic = new byte[32], secret = new byte[32];
        var key = crypto.ImportPrivateKey(privateKey, ownPublic);
        var agreed = crypto.TryAgree(key, point, secret);
        crypto.Release(key);
        return $"{Convert.ToHexString(ownPublic)} {agreed} {Convert.ToHexString(secret)}";
    }
}
