using BenchmarkDotNet.Attributes;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks;

/// <summary>The engine's steps with their allocation per operation.</summary>
[MemoryDiagnoser]
public class EngineBenchmarks
{
    private const int Packets = 4096;

    private PeerFleet _fleet = null!;
    private byte[] _packets = [];
    private byte[][] _initiations = [];
    private byte[] _datagram = [];
    private readonly byte[] _reply = new byte[WireGuardEngine.MaxReplySize];

    [Params(64, 1420)]
    public int PayloadLength { get; set; }

    [IterationSetup]
    public void Prepare()
    {
        _fleet = new PeerFleet(CryptoBackends.CreateBest());
        _fleet.Add(64);
        _packets = _fleet.SealPackets(Packets, PayloadLength, new Random(1));
        _initiations = Enumerable.Range(0, 64).Select(_ => _fleet.NewInitiation()).ToArray();
        _datagram = new byte[PayloadLength + 64];
    }

    [IterationCleanup]
    public void Clean()
    {
        _fleet.Dispose();
        _fleet.Crypto.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Packets)]
    public int Open()
    {
        var size = _packets.Length / Packets;
        var bytes = 0;
        for (var i = 0; i < Packets; i++)
            bytes += _fleet.Engine.Receive(_packets.AsSpan(i * size, size), _fleet.Source, _fleet.Now, _reply).PayloadLength;
        return bytes;
    }

    [Benchmark(OperationsPerInvoke = Packets)]
    public int Seal()
    {
        var bytes = 0;
        for (var i = 0; i < Packets; i++)
            bytes += _fleet.Engine.Seal(_fleet.Peers[i % _fleet.Peers.Count], _datagram, PayloadLength, pad: true, _fleet.Now).Length;
        return bytes;
    }

    [Benchmark(OperationsPerInvoke = 64)]
    public int AnswerInitiation()
    {
        var bytes = 0;
        foreach (var initiation in _initiations)
            bytes += _fleet.Engine.Receive(initiation, _fleet.Source, _fleet.Now, _reply).ReplyLength;
        return bytes;
    }
}
