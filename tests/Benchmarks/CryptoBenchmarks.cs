using BenchmarkDotNet.Attributes;
using UdpGateway.WireGuard;
using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.Benchmarks;

/// <summary>The primitives of one backend, as one packet or one handshake uses them.</summary>
[MemoryDiagnoser]
public class CryptoBenchmarks
{
    private readonly byte[] _key = new byte[32];
    private readonly byte[] _publicKey = new byte[32];
    private readonly byte[] _secret = new byte[32];
    private readonly byte[] _plaintext64 = new byte[64];
    private readonly byte[] _sealed64 = new byte[64 + 16];
    private readonly byte[] _plaintext1420 = new byte[1420];
    private readonly byte[] _sealed1420 = new byte[1420 + 16];
    private ICryptoBackend _crypto = null!;
    private X25519Key _privateKey;

    [Params("openssl", "portable")]
    public string Backend { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        _crypto = string.Equals(Backend, "openssl", StringComparison.Ordinal) ? new OpenSslCryptoBackend() : new PortableCryptoBackend();
        _key[1] = 1;
        _privateKey = _crypto.ImportPrivateKey(_key, _publicKey);
        _crypto.Seal(_key, 1, _plaintext64, [], _sealed64);
        _crypto.Seal(_key, 1, _plaintext1420, [], _sealed1420);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _crypto.Release(_privateKey);
        _crypto.Dispose();
    }

    [Benchmark]
    public void Seal64() => _crypto.Seal(_key, 1, _plaintext64, [], _sealed64);

    [Benchmark]
    public bool Open64() => _crypto.TryOpen(_key, 1, _sealed64, [], _plaintext64);

    [Benchmark]
    public void Seal1420() => _crypto.Seal(_key, 1, _plaintext1420, [], _sealed1420);

    [Benchmark]
    public bool Open1420() => _crypto.TryOpen(_key, 1, _sealed1420, [], _plaintext1420);

    [Benchmark]
    public bool Agree() => _crypto.TryAgree(_privateKey, _publicKey, _secret);

    /// <summary>An ephemeral key of a handshake: random bytes, public key, release.</summary>
    [Benchmark]
    public void GenerateKey()
    {
        WireGuardKeys.GeneratePrivateKey(_secret);
        _crypto.Release(_crypto.ImportPrivateKey(_secret, _publicKey));
    }
}
