using System.Net;
using UdpGateway.WireGuard.Handshake;
using UdpGateway.WireGuard.Messages;
using UdpGateway.WireGuard.Sessions;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Vectors;

/// <summary>The engine's two roles against <see cref="KnownHandshake"/>, byte for byte up to and including mac2.</summary>
public sealed class KnownHandshakeTests
{
    public static TheoryData<string, string> Handshakes
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (var backend in TestBackends.Names)
            {
                foreach (var known in KnownHandshake.All)
                    data.Add(backend, known.Name);
            }

            return data;
        }
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Published_private_keys_have_the_published_public_keys(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var known = KnownHandshake.All[0];

        Assert.Equal("Igge9KzRytKNwrgkzDE/8hrLu6Ly0OqVdvOPWhA5KR4=", Convert.ToBase64String(PublicKeyOf(crypto, known.InitiatorStatic)));
        Assert.Equal("YDCttCs9e1J52/g9vEnwJJa+2x6RqaayAYMpSVQfGEY=", Convert.ToBase64String(PublicKeyOf(crypto, known.ResponderStatic)));
    }

    [Theory]
    [MemberData(nameof(Handshakes))]
    public void Initiator_writes_the_initiation_and_reads_the_response(string backend, string name)
    {
        using var crypto = TestBackends.Create(backend);
        var known = Find(name);
        var publicKey = new byte[32];
        var key = crypto.ImportPrivateKey(known.InitiatorStatic, publicKey);
        byte[] written = new byte[HandshakeInitiationMessage.Size], sendingKey = new byte[32], receivingKey = new byte[32];

        using var handshake = InitiatorHandshake.Create(
            crypto,
            key,
            publicKey,
            PublicKeyOf(crypto, known.ResponderStatic),
            new HandshakeInitiationMessage(written),
            new HandshakeInitiationMessage(known.Initiation).SenderIndex,
            Tai64n.Read(Convert.FromHexString(known.Timestamp)),
            Always(known.InitiatorEphemeral));

        Assert.NotNull(handshake);
        Assert.Equal(known.Initiation, written);
        Assert.True(handshake.TryConsumeResponse(new HandshakeResponseMessage(known.Response), known.PresharedKey, sendingKey, receivingKey));
        Assert.Equal(known.InitiatorToResponder, Convert.ToHexStringLower(sendingKey));
        Assert.Equal(known.ResponderToInitiator, Convert.ToHexStringLower(receivingKey));
        crypto.Release(key);
    }

    [Theory]
    [MemberData(nameof(Handshakes))]
    public void Responder_reads_the_initiation_and_writes_the_response(string backend, string name)
    {
        using var crypto = TestBackends.Create(backend);
        var known = Find(name);
        using var privateKey = new SecretKey(known.ResponderStatic);
        using var identity = new ServerIdentity(crypto, privateKey, 0);
        var initiation = new HandshakeInitiationMessage(known.Initiation);
        var handshake = new ResponderHandshake(crypto, identity);
        byte[] staticShared = new byte[32], written = new byte[HandshakeResponseMessage.Size], receivingKey = new byte[32], sendingKey = new byte[32];

        Assert.Equal(ReceiveVerdict.InitiationAnswered, handshake.ConsumeStatic(initiation));
        Assert.Equal(PublicKeyOf(crypto, known.InitiatorStatic), handshake.InitiatorStatic.ToArray());
        Assert.True(handshake.TryAgreeStatic(staticShared));
        Assert.Equal(ReceiveVerdict.InitiationAnswered, handshake.ConsumeTimestamp(initiation, staticShared, out var timestamp));
        var verdict = handshake.CreateResponse(
            new HandshakeResponseMessage(written),
            new HandshakeResponseMessage(known.Response).SenderIndex,
            initiation.SenderIndex,
            known.PresharedKey,
            Always(known.ResponderEphemeral));
        handshake.Split(receivingKey, sendingKey);
        handshake.Clear();

        Assert.Equal(Tai64n.Read(Convert.FromHexString(known.Timestamp)), timestamp);
        Assert.Equal(ReceiveVerdict.InitiationAnswered, verdict);
        Assert.Equal(known.Response, written);
        Assert.Equal(known.InitiatorToResponder, Convert.ToHexStringLower(receivingKey));
        Assert.Equal(known.ResponderToInitiator, Convert.ToHexStringLower(sendingKey));
    }

    [Theory]
    [MemberData(nameof(Handshakes))]
    public void Gateway_answers_the_initiation_to_a_client_that_nobody_registered(string backend, string name)
    {
        using var crypto = TestBackends.Create(backend);
        var known = Find(name);
        using var privateKey = new SecretKey(known.ResponderStatic);
        using var presharedKey = new SecretKey(known.PresharedKey);
        using var engine = new WireGuardEngine(new WireGuardEngineOptions(), crypto, Always(known.ResponderEphemeral));
        engine.Apply(
            [new TunnelConfiguration { TunnelId = 1, PrivateKeys = [privateKey], AllowUnknownPeers = true, UnknownPeerPresharedKey = new PresharedKey(presharedKey) }],
            TimeSpan.Zero);
        var reply = new byte[WireGuardEngine.MaxReplySize];

        var result = engine.Receive(known.Initiation.ToArray(), PeerEndpoint.From(IPEndPoint.Parse("10.9.0.1:51820")), TimeSpan.Zero, reply);

        // The engine chooses its own index; what Noise computes does not depend on it.
        Assert.Equal(ReceiveVerdict.InitiationAnswered, result.Verdict);
        Assert.Equal(HandshakeResponseMessage.Size, result.ReplyLength);
        var answer = new HandshakeResponseMessage(reply);
        var recorded = new HandshakeResponseMessage(known.Response);
        Assert.Equal(recorded.ReceiverIndex, answer.ReceiverIndex);
        Assert.Equal(recorded.Ephemeral.ToArray(), answer.Ephemeral.ToArray());
        Assert.Equal(recorded.EncryptedNothing.ToArray(), answer.EncryptedNothing.ToArray());
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Recorded_packets_open_to_a_ping_and_its_answer_and_are_sealed_again_to_the_same_bytes(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        var known = KnownHandshake.All[0];

        var request = OpenAndSealAgain(crypto, known.InitiatorToResponder, known.FromInitiator!);
        var answer = OpenAndSealAgain(crypto, known.ResponderToInitiator, known.FromResponder!);

        // Inner packets of 84 bytes in 96: 10.10.0.2 pings 10.10.0.1.
        Assert.Equal("45000054e54640004001414c0a0a00020a0a00010800f95c6c0000006fad22f5", Convert.ToHexStringLower(request.AsSpan(0, 32)));
        Assert.Equal("45000054a11d00004001c5750a0a00010a0a00020000015d6c0000006fad22f5", Convert.ToHexStringLower(answer.AsSpan(0, 32)));
        Assert.All([request, answer], plaintext =>
        {
            Assert.Equal(96, plaintext.Length);
            Assert.All(plaintext[32..], padding => Assert.Equal(0, padding));
        });
    }

    private static byte[] OpenAndSealAgain(ICryptoBackend crypto, string key, byte[] recorded)
    {
        var message = new TransportDataMessage(recorded);
        using var rings = new ReplayRings(1);
        var session = default(Session);
        session.Start(message.ReceiverIndex, message.ReceiverIndex, 0, TimeSpan.Zero);
        Convert.FromHexString(key).CopyTo(session.ReceivingKey);
        Convert.FromHexString(key).CopyTo(session.SendingKey);
        session.SetSendingCounter(message.Counter);
        var datagram = recorded.ToArray();

        Assert.Equal(ReceiveVerdict.Data, session.TryOpen(crypto, rings, datagram, TimeSpan.Zero));
        var plaintext = datagram[TransportDataMessage.HeaderSize..^WireGuardSpecification.TagSize];
        Assert.Equal(recorded.Length, session.Seal(crypto, datagram, plaintext.Length));
        Assert.Equal(recorded, datagram);
        session.Release(rings);
        return plaintext;
    }

    private static KnownHandshake Find(string name) => KnownHandshake.All.Single(known => known.Name == name);

    private static byte[] PublicKeyOf(ICryptoBackend crypto, byte[] privateKey)
    {
        var publicKey = new byte[32];
        crypto.Release(crypto.ImportPrivateKey(privateKey, publicKey));
        return publicKey;
    }

    private static RandomFill Always(byte[] bytes) => destination => bytes.AsSpan(0, destination.Length).CopyTo(destination);
}
