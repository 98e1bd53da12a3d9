using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard.Tests.Crypto;

public sealed class Blake2sTests
{
    [Fact]
    public void Hashes_abc_as_in_RFC_7693_appendix_B()
    {
        var digest = new byte[Blake2s.HashSize];

        Blake2s.Hash("abc"u8, digest);

        Assert.Equal("508c5e8c327c14e2e1a72ba34eeb452f37458b209ed63a294d999b4c86675982", Convert.ToHexStringLower(digest));
    }

    [Fact]
    public void Passes_the_self_test_of_RFC_7693_appendix_E()
    {
        var digests = new List<byte>();
        foreach (var digestLength in (int[])[16, 20, 28, 32])
        {
            foreach (var length in (int[])[0, 3, 64, 65, 255, 1024])
            {
                var digest = new byte[digestLength];
                Blake2s.Compute([], SelfTestSequence(length), [], digest);
                digests.AddRange(digest);
                Blake2s.Compute(SelfTestSequence(digestLength), SelfTestSequence(length), [], digest);
                digests.AddRange(digest);
            }
        }
        var grand = new byte[Blake2s.HashSize];

        Blake2s.Hash([.. digests], grand);

        Assert.Equal("6a411f08ce25adcdfb02aba641451cec53c598b24f4fc787fbdc88797f4c1dfe", Convert.ToHexStringLower(grand));
    }

    [Fact]
    public void Hashes_as_hashlib_does()
    {
        var digest = new byte[Blake2s.HashSize];

        Assert.All(Blake2sVectors.Hash, vector =>
        {
            Blake2s.Hash(Blake2sVectors.Pattern(vector.Length), digest);

            Assert.Equal(vector.Digest, Convert.ToHexStringLower(digest));
        });
    }

    [Fact]
    public void Makes_keyed_16_byte_digests_as_hashlib_does()
    {
        var digest = new byte[Blake2s.MacSize];

        Assert.All(Blake2sVectors.Mac, vector =>
        {
            Blake2s.Mac(Blake2sVectors.Pattern(vector.KeyLength, 3), Blake2sVectors.Pattern(vector.Length), digest);

            Assert.Equal(vector.Digest, Convert.ToHexStringLower(digest));
        });
    }

    [Fact]
    public void Makes_HMACs_as_the_hmac_module_does()
    {
        var digest = new byte[Blake2s.HashSize];

        Assert.All(Blake2sVectors.Hmac, vector =>
        {
            Blake2s.Hmac(Blake2sVectors.Pattern(vector.KeyLength, 3), Blake2sVectors.Pattern(vector.Length), digest);

            Assert.Equal(vector.Digest, Convert.ToHexStringLower(digest));
        });
    }

    [Fact]
    public void Derives_WireGuard_s_keys_by_chained_HMACs()
    {
        Assert.All(Blake2sVectors.Kdf, vector =>
        {
            byte[] t0 = new byte[32], t1 = new byte[32], t2 = new byte[32], t3 = new byte[32];

            Blake2s.Hmac(Convert.FromHexString(vector.Key), Convert.FromHexString(vector.Input), t0);
            Blake2s.Hmac(t0, [1], t1);
            Blake2s.Hmac(t0, t1, [2], t2);
            Blake2s.Hmac(t0, t2, [3], t3);

            Assert.Equal(vector.T1, Convert.ToHexStringLower(t1));
            Assert.Equal(vector.T2, Convert.ToHexStringLower(t2));
            Assert.Equal(vector.T3, Convert.ToHexStringLower(t3));
        });
    }

    [Fact]
    public void Takes_input_in_two_parts_split_anywhere()
    {
        var data = Blake2sVectors.Pattern(200);
        var key = Blake2sVectors.Pattern(32, 3);
        byte[] hash = new byte[32], hmac = new byte[32], mac = new byte[16], expectedHash = new byte[32], expectedHmac = new byte[32], expectedMac = new byte[16];
        Blake2s.Hash(data, expectedHash);
        Blake2s.Hmac(key, data, expectedHmac);
        Blake2s.Mac(key, data, expectedMac);

        for (var split = 0; split <= data.Length; split++)
        {
            Blake2s.Hash(data.AsSpan(0, split), data.AsSpan(split), hash);
            Blake2s.Hmac(key, data.AsSpan(0, split), data.AsSpan(split), hmac);
            Blake2s.Mac(key, data.AsSpan(0, split), data.AsSpan(split), mac);

            Assert.Equal(expectedHash, hash);
            Assert.Equal(expectedHmac, hmac);
            Assert.Equal(expectedMac, mac);
        }
    }

    [Fact]
    public void Lets_the_digest_replace_an_input()
    {
        byte[] chained = Blake2sVectors.Pattern(32), hash = new byte[32], key = Blake2sVectors.Pattern(32, 3), hmac = new byte[32];
        Blake2s.Hash(chained, "message"u8, hash);
        Blake2s.Hmac(key, chained, hmac);

        Blake2s.Hmac(key, chained, key);
        Blake2s.Hash(chained, "message"u8, chained);

        Assert.Equal(hash, chained);
        Assert.Equal(hmac, key);
    }

    [Fact]
    public void Refuses_lengths_that_RFC_7693_does_not_allow()
    {
        Assert.Throws<ArgumentException>(() => Blake2s.Hash("abc"u8, new byte[31]));
        Assert.Throws<ArgumentException>(() => Blake2s.Mac(new byte[32], "abc"u8, new byte[32]));
        Assert.Throws<ArgumentException>(() => Blake2s.Mac(new byte[33], "abc"u8, new byte[16]));
        Assert.Throws<ArgumentException>(() => Blake2s.Hmac(new byte[32], "abc"u8, new byte[16]));
        Assert.Throws<ArgumentException>(() => Blake2s.Compute([], "abc"u8, [], []));
    }

    [Fact]
    public void Allocates_nothing()
    {
        byte[] data = Blake2sVectors.Pattern(1420), key = Blake2sVectors.Pattern(32), digest = new byte[32];
        void HashInEveryForm()
        {
            Blake2s.Hash(data, digest);
            Blake2s.Mac(key, data, key, digest.AsSpan(0, 16));
            Blake2s.Hmac(key, data, key, digest);
        }

        Assert.Equal(0, Allocation.OfOneRun(HashInEveryForm));
    }

    /// <summary>selftest_seq of appendix E, whose seed is always the length.</summary>
    private static byte[] SelfTestSequence(int length)
    {
        var bytes = new byte[length];
        uint a = 0xDEAD4BAD * (uint)length, b = 1;
        for (var i = 0; i < length; i++)
        {
            var t = a + b;
            a = b;
            b = t;
            bytes[i] = (byte)(t >> 24);
        }
        return bytes;
    }
}
