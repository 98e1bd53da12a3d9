using BenchmarkDotNet.Attributes;
using UdpGateway.WireGuard.Crypto;

namespace UdpGateway.Benchmarks;

/// <summary>BLAKE2s at the lengths of a handshake: one block, the part of an initiation that mac1 covers, and the HMAC of a key derivation.</summary>
[MemoryDiagnoser]
public class Blake2sBenchmarks
{
    private readonly byte[] _data = new byte[116];
    private readonly byte[] _key = new byte[32];
    private readonly byte[] _digest = new byte[32];

    [Benchmark]
    public void Hash64() => Blake2s.Hash(_data.AsSpan(0, 64), _digest);

    [Benchmark]
    public void Mac116() => Blake2s.Mac(_key, _data, _digest.AsSpan(0, 16));

    [Benchmark]
    public void Hmac32() => Blake2s.Hmac(_key, _data.AsSpan(0, 32), _digest);
}
