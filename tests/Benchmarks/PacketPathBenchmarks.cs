using System.Net;
using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks;

/// <summary>
/// The whole packet path on one worker, from a datagram to a destination that does nothing: client check, WireGuard,
/// inner packet, batch of 100, hand-over. The budget is 0 bytes allocated per packet.
/// </summary>
[MemoryDiagnoser]
public class PacketPathBenchmarks
{
    /// <summary>More than one session's replay window, and few enough to prepare before each iteration.</summary>
    private const int Packets = 16_384;

    private static readonly PeerEndpoint Source = PeerEndpoint.From(new IPEndPoint(IPAddress.Loopback, 40_000));

    private readonly byte[][] _datagrams = new byte[Packets][];
    private PacketPathDriver _driver = null!;
    private WireGuardClient _client = null!;
    private ICryptoBackend _crypto = null!;

    [Params(64, 512, 1400)]
    public int PayloadSize { get; set; }

    [GlobalSetup(Target = nameof(PlainUdp))]
    public void SetUpPlain()
    {
        _driver = new PacketPathDriver();
        for (var i = 0; i < Packets; i++)
            _datagrams[i] = new byte[PayloadSize];
    }

    [GlobalSetup(Target = nameof(WireGuard))]
    public void SetUpTunnel()
    {
        Span<byte> serverKey = stackalloc byte[SecretKey.Size];
        Span<byte> clientKey = stackalloc byte[SecretKey.Size];
        Span<byte> serverPublicKey = stackalloc byte[SecretKey.Size];
        WireGuardKeys.GeneratePrivateKey(serverKey);
        WireGuardKeys.GeneratePrivateKey(clientKey);
        WireGuardKeys.ComputePublicKey(serverKey, serverPublicKey);
        _crypto = CryptoBackends.CreateBest();
        _driver = new PacketPathDriver(new TunnelConfiguration { TunnelId = 0, PrivateKeys = [new SecretKey(serverKey)], AllowUnknownPeers = true });
        _client = new WireGuardClient(new SecretKey(clientKey), serverPublicKey, null, _crypto, RandomNumberGenerator.Fill);
    }

    /// <summary>A session of their own for each iteration, since no datagram opens twice.</summary>
    [IterationSetup(Target = nameof(WireGuard))]
    public void SealDatagrams()
    {
        var buffer = new byte[2048];
        var reply = new byte[WireGuardEngine.MaxReplySize];
        Thread.Sleep(30); // initiations of one key are 20 ms apart
        _client.Connect(_driver.Now);
        while (_client.TryTakeDatagram(_driver.Now, DateTimeOffset.UtcNow, buffer, out var length))
        {
            var answer = _driver.Engine.Receive(buffer.AsSpan(0, length), Source, _driver.Now, reply);
            if (answer.ReplyLength > 0)
                _client.Receive(reply.AsSpan(0, answer.ReplyLength), _driver.Now, out _, out _);
        }

        for (var i = 0; i < Packets; i++)
        {
            if (!_client.TrySeal(buffer, PayloadSize, pad: false, _driver.Now, out var length))
                throw new InvalidOperationException("The client has no session.");
            _datagrams[i] = buffer[..length];
        }
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        if (_driver.Drops > 0)
            throw new InvalidOperationException($"{_driver.Drops} packets were dropped: the numbers mean nothing.");
        _driver.Dispose();
        _client?.Dispose();
        _crypto?.Dispose();
    }

    [Benchmark(OperationsPerInvoke = Packets)]
    public void PlainUdp() => ProcessAll();

    [Benchmark(OperationsPerInvoke = Packets)]
    public void WireGuard() => ProcessAll();

    private void ProcessAll()
    {
        foreach (var datagram in _datagrams)
            _driver.Process(datagram, Source);
    }
}
