using System.Net;
using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.Messages;
using UdpGateway.WireGuard.Sessions;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Vectors;

/// <summary>
/// A whole handshake with known keys, made with an independent implementation that reproduces the Linux kernel's
/// responses byte for byte.
/// </summary>
public sealed class DeterministicHandshakeTests
{
    private const string Initiation = """
        01000000040302017b0d47d93427f8311160781c7c733fd89f88970aef490d8aa0ee19a4cb8a1b1481e498317da959fb
        a46669572516a5e6c021bfa620bb6c56ca0082e1feae14988c2c64d024c617734a263f76a008df04d0f94bad8ee75ec8
        f3c26955497a4c0c7165df56abb7f2b8293e238d728f81edda3faa8bdb9ad5db4f97fcc6000000000000000000000000
        00000000
        """;

    private static readonly byte[] InitiatorStatic = Repeat(0x11);
    private static readonly byte[] ResponderStatic = Repeat(0x22);
    private static readonly byte[] InitiatorEphemeral = Repeat(0x33);
    private static readonly byte[] ResponderEphemeral = Repeat(0x44);
    private static readonly byte[] Timestamp = Convert.FromHexString("400000006553f10a12000000");

    [Theory, OnOpenSsl, OnPortable]
    public void Initiator_writes_the_known_initiation(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var publicKey = new byte[32];
        var key = crypto.ImportPrivateKey(InitiatorStatic, publicKey);
        var message = new byte[HandshakeInitiationMessage.Size];

        using var handshake = InitiatorHandshake.Create(
            crypto, key, publicKey, PublicKeyOf(crypto, ResponderStatic), new HandshakeInitiationMessage(message), 0x01020304, Tai64n.Read(Timestamp), Always(InitiatorEphemeral));

        Assert.NotNull(handshake);
        Assert.Equal(Hex(Initiation), message);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Without_a_preshared_key_both_sides_write_the_known_response_and_packets(string backend) => WritesTheKnownBytes(
        backend,
        new string('0', 64),
        """
        020000000807060504030201ff2ee45601ec1b67310c7790404585ae697331eee1c1f8cf2419731c1fff3e6b197f0275
        db3e035b264f80c7d9bb378980f5836d0d1e67348f206a1adaf8b7b500000000000000000000000000000000
        """,
        "e07b709efbfd0361a08a9de658ceb3847d648c207ed71d4dbdfe248bef23a651",
        "f76ba55a113d83abf16240859ca361a9017ae9fbac0b4aa43179112c40e0163f",
        "0400000008070605000000000000000069958abbebcb06f97a256144abed28f6",
        "040000000403020101000000000000008c99daeca945dd2a6a59613784074d20f9536f2f8b30673789f34d72e1ea6705");

    [Theory, OnOpenSsl, OnPortable]
    public void With_a_preshared_key_both_sides_write_the_known_response_and_packets(string backend) => WritesTheKnownBytes(
        backend,
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        """
        020000000807060504030201ff2ee45601ec1b67310c7790404585ae697331eee1c1f8cf2419731c1fff3e6ba0b13f03
        4d05250d5671dc79924f78046aaeb07b9cbdcfdb68dc0abf0ad9d2f800000000000000000000000000000000
        """,
        "870ea0fffff57deb751f6fc7b30b0d26e672da21a0220f4869266c9df64e8ffc",
        "4dc2b0020d17e7ceb0d34eb369c5da695190a92fd30eee6d12db56f49a9f7aae",
        "040000000807060500000000000000007d64917a0e5e08a08e96460a8d17e9f4",
        "04000000040302010100000000000000e1cccda7cdef49c25d6ab47dc0cd57dbca9b31b90b4ab5f63bbb448ee837aec0");

    [Theory, OnOpenSsl, OnPortable]
    public void Mac1_key_of_the_server_is_the_known_one(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        using var privateKey = new SecretKey(ResponderStatic);
        using var identity = new ServerIdentity(crypto, privateKey, 0);

        Assert.Equal(Hex("2b14c2a1d73fe52519772891d6df632bd2408279e87eb80c61bc395fccadf4a6"), identity.Mac1Key.ToArray());
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Cookie_reply_is_the_known_one_and_the_known_mac2_is_accepted(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        using var privateKey = new SecretKey(ResponderStatic);
        using var identity = new ServerIdentity(crypto, privateKey, 0);
        using var cookies = new CookieChecker(crypto, new byte[32], Always(Hex("000102030405060708090a0b0c0d0e0f1011121314151617")));
        cookies.SetSecret(Repeat(0x55), TimeSpan.Zero);
        var source = PeerEndpoint.From(IPEndPoint.Parse("192.0.2.1:51820"));
        var initiation = new HandshakeInitiationMessage(Hex(Initiation));
        var reply = new byte[CookieReplyMessage.Size];

        cookies.WriteReply(reply, identity, initiation.SenderIndex, initiation.Mac1, source, TimeSpan.Zero);
        Hex("266360ffd5d69840943a4ea4be77e7c4").CopyTo(initiation.Mac2);

        Assert.Equal(
            Hex("""
                0300000004030201000102030405060708090a0b0c0d0e0f101112131415161722c1f8c07ce0bc00befe01cf3a319116
                650a900f139e2c20229bdeab78ae51f6
                """),
            reply);
        Assert.True(cookies.IsMac2Valid(initiation.CoveredByMac2, initiation.Mac2, source, TimeSpan.Zero));
        Assert.True(cookies.IsMac2Valid(initiation.CoveredByMac2, initiation.Mac2, PeerEndpoint.From(IPEndPoint.Parse("[::ffff:192.0.2.1]:51820")), TimeSpan.Zero));
        Assert.False(cookies.IsMac2Valid(initiation.CoveredByMac2, initiation.Mac2, source with { Port = 51821 }, TimeSpan.Zero));
        Assert.False(cookies.IsMac2Valid(initiation.CoveredByMac2, initiation.Mac2, PeerEndpoint.From(IPEndPoint.Parse("[2001:db8::1]:51820")), TimeSpan.Zero));
    }

    private static void WritesTheKnownBytes(
        string backend, string presharedKey, string response, string receivingKey, string sendingKey, string keepalive, string data)
    {
        using var crypto = TestBackends.Create(backend);
        using var privateKey = new SecretKey(ResponderStatic);
        using var identity = new ServerIdentity(crypto, privateKey, 0);
        var initiation = new HandshakeInitiationMessage(Hex(Initiation));
        var handshake = new ResponderHandshake(crypto, identity);
        var written = new byte[HandshakeResponseMessage.Size];
        var staticShared = new byte[32];

        Assert.Equal(ReceiveVerdict.InitiationAnswered, handshake.ConsumeStatic(initiation));
        Assert.Equal(PublicKeyOf(crypto, InitiatorStatic), handshake.InitiatorStatic.ToArray());
        Assert.True(handshake.TryAgreeStatic(staticShared));
        Assert.Equal(ReceiveVerdict.InitiationAnswered, handshake.ConsumeTimestamp(initiation, staticShared, out var timestamp));
        Assert.Equal(Tai64n.Read(Timestamp), timestamp);
        Assert.Equal(
            ReceiveVerdict.InitiationAnswered,
            handshake.CreateResponse(new HandshakeResponseMessage(written), 0x05060708, initiation.SenderIndex, Hex(presharedKey), Always(ResponderEphemeral)));
        Assert.Equal(Hex(response), written);

        using var rings = new ReplayRings(1);
        var session = default(Session);
        session.Start(0x05060708, initiation.SenderIndex, 0, TimeSpan.Zero);
        handshake.Split(session.ReceivingKey, session.SendingKey);
        Assert.Equal(Hex(receivingKey), session.ReceivingKey.ToArray());
        Assert.Equal(Hex(sendingKey), session.SendingKey.ToArray());
        Assert.Equal(ReceiveVerdict.Keepalive, session.TryOpen(crypto, rings, Hex(keepalive), TimeSpan.Zero));

        var datagram = new byte[Hex(data).Length];
        session.SetSendingCounter(1);
        "hello"u8.CopyTo(datagram.AsSpan(TransportDataMessage.HeaderSize));
        Assert.Equal(datagram.Length, session.Seal(crypto, datagram, 16));
        Assert.Equal(Hex(data), datagram);
    }

    private static byte[] PublicKeyOf(ICryptoBackend crypto, byte[] privateKey)
    {
        var publicKey = new byte[32];
        crypto.Release(crypto.ImportPrivateKey(privateKey, publicKey));
        return publicKey;
    }

    private static byte[] Repeat(byte value) => Enumerable.Repeat(value, 32).ToArray();

    private static RandomFill Always(byte[] bytes) => destination => bytes.CopyTo(destination);

    private static byte[] Hex(string text) => Convert.FromHexString(string.Concat(text.Where(char.IsAsciiHexDigit)));
}
