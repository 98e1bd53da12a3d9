using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using UdpGateway.WireGuard;

namespace UdpGateway.Benchmarks.Load;

/// <summary>Datagrams made in advance and sent at a given rate by a thread of its own until disposed.</summary>
internal sealed class Flood : IDisposable
{
    private const int SolUdp = 17;
    private const int UdpSegment = 103;
    private const int InitiationSize = 148;
    private const int Run = 32;

    private readonly IReadOnlyList<byte[]> _runs;
    private readonly double _perSecond;
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly Thread _thread;
    private volatile bool _stopping;
    private long _sent;

    private Flood(IPEndPoint server, IReadOnlyList<byte[]> runs, int size, double perSecond)
    {
        _runs = runs;
        _perSecond = perSecond;
        _socket.Connect(server);
        _socket.SetRawSocketOption(SolUdp, UdpSegment, BitConverter.GetBytes(size));
        _thread = new Thread(Send) { Name = "flood", IsBackground = true };
    }

    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>Valid initiations, each of a key that nobody has seen; sent once, then all over again.</summary>
    public static Flood OfInitiations(IPEndPoint server, byte[] serverPublicKey, int count, double perSecond)
    {
        var runs = new byte[(count + Run - 1) / Run][];
        Parallel.For(
            0,
            runs.Length,
            CryptoBackends.CreateBest,
            (number, _, crypto) =>
            {
                runs[number] = new byte[Run * InitiationSize];
                for (var i = 0; i < Run; i++)
                {
                    using var key = new SecretKey(RandomNumberGenerator.GetBytes(SecretKey.Size));
                    using var client = new WireGuardClient(key, serverPublicKey, null, crypto, RandomNumberGenerator.Fill);
                    client.Connect(TimeSpan.Zero);
                    client.TryTakeDatagram(TimeSpan.Zero, DateTimeOffset.UtcNow, runs[number].AsSpan(i * InitiationSize), out var _);
                }

                return crypto;
            },
            crypto => crypto.Dispose());
        return new Flood(server, runs, InitiationSize, perSecond);
    }

    /// <summary>The same datagram again and again.</summary>
    public static Flood OfPackets(IPEndPoint server, byte[] packet, double perSecond) =>
        new(server, [[.. Enumerable.Repeat(packet, Run).SelectMany(bytes => bytes)]], packet.Length, perSecond);

    /// <summary>A mixture of noise, data for no session, and initiations that fail at mac1.</summary>
    public static Flood OfJunk(IPEndPoint server, double perSecond)
    {
        var random = new Random(5);
        var runs = Enumerable.Range(0, 512).Select(_ =>
        {
            var run = new byte[Run * InitiationSize];
            random.NextBytes(run);
            for (var i = 0; i < Run; i++)
            {
                run[i * InitiationSize] = (byte)(i % 3) switch { 0 => 1, 1 => 4, _ => 0xc0 };
                run.AsSpan((i * InitiationSize) + 1, 3).Clear();
            }

            return run;
        }).ToList();
        return new Flood(server, runs, InitiationSize, perSecond);
    }

    public Flood Start()
    {
        _thread.Start();
        return this;
    }

    public void Dispose()
    {
        _stopping = true;
        if (_thread.IsAlive)
            _thread.Join();
        _socket.Dispose();
    }

    private void Send()
    {
        var started = Stopwatch.GetTimestamp();
        for (var turn = 0; !_stopping; turn++)
        {
            var due = TimeSpan.FromSeconds((double)turn * Run / _perSecond);
            while (Stopwatch.GetElapsedTime(started) < due && !_stopping)
                Thread.Sleep(1);
            // A refused datagram only says that the server is gone; the run's result shows it.
            _socket.Send(_runs[turn % _runs.Count], SocketFlags.None, out _);
            Interlocked.Add(ref _sent, Run);
        }
    }
}
