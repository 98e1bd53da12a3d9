using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.WireGuard.Handshake;

/// <summary>One static key pair of the gateway with everything that can be computed from it in advance.</summary>
internal sealed class ServerIdentity : IDisposable
{
    private readonly ICryptoBackend _crypto;
    private readonly byte[] _publicKey = new byte[WireGuardSpecification.KeySize];
    private readonly byte[] _mac1Key = new byte[WireGuardSpecification.HashSize];
    private readonly byte[] _cookieKey = new byte[WireGuardSpecification.HashSize];

    public ServerIdentity(ICryptoBackend crypto, SecretKey privateKey, int tunnel)
    {
        _crypto = crypto;
        Tunnel = tunnel;
        Key = crypto.ImportPrivateKey(privateKey.Bytes, _publicKey);
        Transcript = NoiseTranscript.Start(_publicKey);
        Blake2s.Hash(WireGuardSpecification.LabelMac1, _publicKey, _mac1Key);
        Blake2s.Hash(WireGuardSpecification.LabelCookie, _publicKey, _cookieKey);
    }

    /// <summary>Slot of the tunnel that this identity belongs to.</summary>
    public int Tunnel { get; }

    public X25519Key Key { get; }

    public ReadOnlySpan<byte> PublicKey => _publicKey;

    /// <summary>HASH(LABEL-MAC1 ‖ S_r^pub).</summary>
    public ReadOnlySpan<byte> Mac1Key => _mac1Key;

    /// <summary>HASH(LABEL-COOKIE ‖ S_r^pub).</summary>
    public ReadOnlySpan<byte> CookieKey => _cookieKey;

    /// <summary>The transcript as every handshake with this identity starts it; it holds nothing secret yet.</summary>
    public NoiseTranscript Transcript { get; }

    public void Dispose() => _crypto.Release(Key);
}
