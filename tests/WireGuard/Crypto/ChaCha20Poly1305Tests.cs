using System.Text;
using Xunit.Abstractions;

namespace UdpGateway.WireGuard.Tests.Crypto;

public sealed class ChaCha20Poly1305Tests(ITestOutputHelper output)
{
    private const int TagSize = 16;

    private static readonly byte[] Key = Blake2sVectors.Pattern(32, 1);

    [Theory, OnOpenSsl, OnPortable]
    public void Seals_and_opens_the_example_of_RFC_8439_section_2_8_2(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var key = Convert.FromHexString("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f");
        var nonce = Convert.FromHexString("070000004041424344454647");
        var associatedData = Convert.FromHexString("50515253c0c1c2c3c4c5c6c7");
        var plaintext = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."u8.ToArray();
        var sealedText = new byte[plaintext.Length + TagSize];
        var opened = new byte[plaintext.Length];

        crypto.Seal(key, nonce, plaintext, associatedData, sealedText);
        var authentic = crypto.TryOpen(key, nonce, sealedText, associatedData, opened);

        Assert.Equal(
            "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
            + "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
            Convert.ToHexStringLower(sealedText));
        Assert.True(authentic);
        Assert.Equal(plaintext, opened);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Opens_and_seals_the_example_of_RFC_8439_appendix_A_5(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var key = Convert.FromHexString("1c9240a5eb55d38af333888604f6b5f0473917c1402b80099dca5cbc207075c0");
        var nonce = Convert.FromHexString("000000000102030405060708");
        var associatedData = Convert.FromHexString("f33388860000000000004e91");
        var sealedText = Convert.FromHexString(
            "64a0861575861af460f062c79be643bd5e805cfd345cf389f108670ac76c8cb24c6cfc18755d43eea09ee94e382d26b0bdb7b73c321b0100d4f03b7f355894cf"
            + "332f830e710b97ce98c8a84abd0b948114ad176e008d33bd60f982b1ff37c8559797a06ef4f0ef61c186324e2b3506383606907b6a7c02b0f9f6157b53c867e4"
            + "b9166c767b804d46a59b5216cde7a4e99040c5a40433225ee282a1b0a06c523eaf4534d7f83fa1155b0047718cbc546a0d072b04b3564eea1b422273f548271a"
            + "0bb2316053fa76991955ebd63159434ecebb4e466dae5a1073a6727627097a1049e617d91d361094fa68f0ff77987130305beaba2eda04df997b714d6c6f2c29"
            + "a6ad5cb4022b02709b" + "eead9d67890cbb22392336fea1851f38");
        var opened = new byte[sealedText.Length - TagSize];
        var sealedAgain = new byte[sealedText.Length];

        var authentic = crypto.TryOpen(key, nonce, sealedText, associatedData, opened);
        crypto.Seal(key, nonce, opened, associatedData, sealedAgain);

        Assert.True(authentic);
        Assert.StartsWith("Internet-Drafts are draft documents valid for a maximum of six months", Encoding.UTF8.GetString(opened), StringComparison.Ordinal);
        Assert.Equal(sealedText, sealedAgain);
        // The nonce of appendix A.5 has WireGuard's form: the counter in its last eight bytes.
        Assert.True(crypto.TryOpen(key, 0x0807060504030201, sealedText, associatedData, opened));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Round_trips_every_length_in_place_and_not(string backend)
    {
        using var crypto = TestBackends.Create(backend);

        foreach (var length in Enumerable.Range(0, 301).Append(1420))
        {
            var plaintext = Blake2sVectors.Pattern(length, 9);
            var associatedData = Blake2sVectors.Pattern(length % 33, 4);
            byte[] sealedText = new byte[length + TagSize], opened = new byte[length], buffer = [.. plaintext, .. new byte[TagSize]];

            crypto.Seal(Key, (ulong)length, plaintext, associatedData, sealedText);
            crypto.Seal(Key, (ulong)length, buffer.AsSpan(0, length), associatedData, buffer);
            Assert.Equal(sealedText, buffer);

            Assert.True(crypto.TryOpen(Key, (ulong)length, sealedText, associatedData, opened));
            Assert.True(crypto.TryOpen(Key, (ulong)length, buffer, associatedData, buffer.AsSpan(0, length)));
            Assert.Equal(plaintext, opened);
            Assert.Equal(plaintext, buffer[..length]);
        }
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Refuses_a_change_of_any_byte_and_leaves_no_plaintext(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var key = (byte[])Key.Clone();
        var plaintext = Blake2sVectors.Pattern(70, 9);
        var nonce = Blake2sVectors.Pattern(12, 2);
        var associatedData = Blake2sVectors.Pattern(32, 4);
        var sealedText = new byte[plaintext.Length + TagSize];
        crypto.Seal(key, nonce, plaintext, associatedData, sealedText);

        foreach (var part in (byte[][])[key, nonce, associatedData, sealedText])
        {
            for (var i = 0; i < part.Length; i++)
            {
                part[i] ^= (byte)(1 << (i % 8));
                var opened = Enumerable.Repeat((byte)0xaa, plaintext.Length).ToArray();
                var inPlace = (byte[])sealedText.Clone();

                Assert.False(crypto.TryOpen(key, nonce, sealedText, associatedData, opened));
                Assert.False(crypto.TryOpen(key, nonce, inPlace, associatedData, inPlace.AsSpan(0, plaintext.Length)));

                Assert.Equal(new byte[plaintext.Length], opened);
                Assert.Equal(new byte[plaintext.Length], inPlace[..plaintext.Length]);
                part[i] ^= (byte)(1 << (i % 8));
            }
        }

        Assert.True(crypto.TryOpen(key, nonce, sealedText, associatedData, new byte[plaintext.Length]));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Refuses_truncated_and_missing_text(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var sealedText = new byte[40 + TagSize];
        crypto.Seal(Key, 7, Blake2sVectors.Pattern(40), [], sealedText);

        for (var length = 0; length < sealedText.Length; length++)
            Assert.False(crypto.TryOpen(Key, 7, sealedText.AsSpan(0, length), [], new byte[Math.Max(0, length - TagSize)]));

        Assert.False(crypto.TryOpen(Key, 7, sealedText, "associated"u8, new byte[40]));
        Assert.False(crypto.TryOpen(Key, 8, sealedText, [], new byte[40]));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Counter_is_the_last_eight_bytes_of_the_nonce_in_little_endian(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        byte[] byCounter = new byte[5 + TagSize], byNonce = new byte[5 + TagSize];

        crypto.Seal(Key, 0xf1e2d3c4b5a69788, "hello"u8, [], byCounter);
        crypto.Seal(Key, Convert.FromHexString("000000008897a6b5c4d3e2f1"), "hello"u8, [], byNonce);

        Assert.Equal(byNonce, byCounter);
    }

    [Theory, OnOpenSsl]
    public void Both_backends_make_the_same_text_from_random_input(string other)
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        using var portable = TestBackends.Create(TestBackends.Portable);
        using var openSsl = TestBackends.Create(other);

        for (var round = 0; round < 500; round++)
        {
            byte[] key = new byte[32], nonce = new byte[12], plaintext = new byte[random.Next(1500)], associatedData = new byte[random.Next(100)];
            random.NextBytes(key);
            random.NextBytes(nonce);
            random.NextBytes(plaintext);
            random.NextBytes(associatedData);
            byte[] expected = new byte[plaintext.Length + TagSize], actual = new byte[plaintext.Length + TagSize], opened = new byte[plaintext.Length];

            openSsl.Seal(key, nonce, plaintext, associatedData, expected);
            portable.Seal(key, nonce, plaintext, associatedData, actual);

            Assert.True(expected.AsSpan().SequenceEqual(actual), $"seed {seed}, round {round}");
            Assert.True(openSsl.TryOpen(key, nonce, actual, associatedData, opened), $"seed {seed}, round {round}");
            Assert.True(portable.TryOpen(key, nonce, expected, associatedData, opened), $"seed {seed}, round {round}");
            Assert.Equal(plaintext, opened);
        }
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Refuses_lengths_and_overlaps_that_no_caller_should_ask_for(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var nonce = new byte[12];
        var buffer = new byte[100];

        Assert.Throws<ArgumentException>(() => crypto.Seal(new byte[31], nonce, new byte[4], [], new byte[20]));
        Assert.Throws<ArgumentException>(() => crypto.Seal(Key, new byte[24], new byte[4], [], new byte[20]));
        Assert.Throws<ArgumentException>(() => crypto.Seal(Key, nonce, new byte[4], [], new byte[19]));
        Assert.Throws<ArgumentException>(() => crypto.Seal(Key, nonce, buffer.AsSpan(1, 4), [], buffer.AsSpan(0, 20)));
        Assert.Throws<ArgumentException>(() => crypto.TryOpen(new byte[33], nonce, new byte[20], [], new byte[4]));
        Assert.Throws<ArgumentException>(() => crypto.TryOpen(Key, new byte[11], new byte[20], [], new byte[4]));
        Assert.Throws<ArgumentException>(() => crypto.TryOpen(Key, nonce, new byte[20], [], new byte[5]));
        Assert.Throws<ArgumentException>(() => crypto.TryOpen(Key, nonce, buffer.AsSpan(0, 20), [], buffer.AsSpan(16, 4)));
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Allocates_nothing_while_the_key_stays(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        byte[] plaintext = new byte[1420], sealedText = new byte[1420 + TagSize];
        void OnePacket()
        {
            crypto.Seal(Key, 1, plaintext, Key, sealedText);
            crypto.TryOpen(Key, 1, sealedText, Key, plaintext);
        }

        Assert.Equal(0, Allocation.OfOneRun(OnePacket));
    }

    [Theory, OnOpenSsl]
    public void Allocates_nothing_when_keys_change_and_tags_do_not_match(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        byte[] otherKey = Blake2sVectors.Pattern(32, 2), plaintext = new byte[64], sealedText = new byte[64 + TagSize];
        void TwoSessions()
        {
            crypto.Seal(Key, 1, plaintext, [], sealedText);
            crypto.TryOpen(otherKey, 1, sealedText, [], plaintext);
            crypto.Seal(otherKey, 1, plaintext, [], sealedText);
            crypto.TryOpen(otherKey, 1, sealedText, [], plaintext);
        }

        Assert.Equal(0, Allocation.OfOneRun(TwoSessions));
    }

    // The base class library binds the key to an object (56 B) and reports a bad tag by an exception (about 200 B).
    [Theory, OnPortable]
    public void Allocates_a_small_object_when_the_key_changes(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        byte[] otherKey = Blake2sVectors.Pattern(32, 2), sealedText = new byte[64 + TagSize];
        void TwoSessions()
        {
            crypto.Seal(Key, 1, otherKey, [], sealedText.AsSpan(0, 48));
            crypto.Seal(otherKey, 1, otherKey, [], sealedText.AsSpan(0, 48));
        }

        Assert.InRange(Allocation.OfOneRun(TwoSessions), 1, 256);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Refuses_work_after_disposal(string backend)
    {
        var crypto = TestBackends.Create(backend);
        crypto.Dispose();
        crypto.Dispose();

        Assert.Throws<ObjectDisposedException>(() => crypto.Seal(Key, 1, new byte[4], [], new byte[20]));
        Assert.Throws<ObjectDisposedException>(() => crypto.TryOpen(Key, 1, new byte[20], [], new byte[4]));
    }
}
