using System.Net;
using System.Security.Cryptography;
using UdpGateway.WireGuard.Crypto;
using UdpGateway.WireGuard.Messages;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Vectors;

/// <summary>
/// An initiation that Linux made for a responder whose public key alone is known: test_handshake_hash of FD.io VPP
/// (FDio/vpp, test/test_wireguard.py, Apache-2.0). Only mac1 can be checked, because only it needs no private key.
/// </summary>
public sealed class LinuxInitiationTests
{
    private static readonly byte[] ResponderStatic = Convert.FromBase64String("aRuHFTTxICIQNefp05oKWlJv3zgKxb8+WW7JJMh0jyM=");

    private static byte[] Initiation => Convert.FromHexString(
        "0100000098b9032b55cc4b39e73c3d24a2a1ab884b524a811808bb86640fb70de93154fec1879125ab012624a27f0b75c0a2582f438ddb5f" +
        "8e768af40b4ab44402f9ff473e1b797e80d39d93c5480c82a3d4510f70396976586fb67300a5167bae6ca3ff3dfd00eb59be198810f5aa03" +
        "6abc243d2155ee4f2336483900aef80108752cd700000000000000000000000000000000");

    [Fact]
    public void Is_classified_and_its_fields_are_where_the_paper_has_them()
    {
        var initiation = Initiation;

        Assert.True(WireGuardMessage.TryClassify(initiation, out var type));
        Assert.Equal(WireGuardMessageType.HandshakeInitiation, type);
        var message = new HandshakeInitiationMessage(initiation);
        Assert.Equal(0x2b03b998u, message.SenderIndex);
        Assert.Equal("2155ee4f2336483900aef80108752cd7", Convert.ToHexStringLower(message.Mac1));
        Assert.Equal(new byte[16], message.Mac2.ToArray());
    }

    [Fact]
    public void Carries_the_mac1_of_that_public_key()
    {
        var message = new HandshakeInitiationMessage(Initiation);
        byte[] key = new byte[32], mac1 = new byte[16];

        Blake2s.Hash("mac1----"u8, ResponderStatic, key);
        Blake2s.Mac(key, message.CoveredByMac1, mac1);

        Assert.Equal(message.Mac1.ToArray(), mac1);
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Is_dropped_by_its_mac1_at_a_gateway_with_another_key(string backend)
    {
        using var crypto = TestBackends.Create(backend);
        using var privateKey = new SecretKey(Enumerable.Repeat((byte)0x22, 32).ToArray());
        using var engine = new WireGuardEngine(new WireGuardEngineOptions(), crypto, RandomNumberGenerator.Fill);
        engine.Apply([new TunnelConfiguration { TunnelId = 1, PrivateKeys = [privateKey], AllowUnknownPeers = true }], TimeSpan.Zero);

        var result = engine.Receive(Initiation, PeerEndpoint.From(IPEndPoint.Parse("192.0.2.1:51820")), TimeSpan.Zero, new byte[WireGuardEngine.MaxReplySize]);

        Assert.Equal(ReceiveVerdict.Mac1Invalid, result.Verdict);
        Assert.Equal(0, result.ReplyLength);
    }
}
