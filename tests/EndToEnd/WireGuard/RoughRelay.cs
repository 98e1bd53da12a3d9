using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>
/// Stands between one client and the gateway and does what networks do: holds each datagram for a time of its own, so that
/// they overtake each other, and sends some twice.
/// </summary>
internal sealed class RoughRelay : IAsyncDisposable
{
    private const int MostUnderWay = 4_096;

    private readonly Socket _outside;
    private readonly Socket _inside;
    private readonly TimeSpan _longestDelay;
    private readonly double _duplicated;
    private readonly Random _random;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _running;
    private EndPoint? _client;
    private long _relayed;
    private long _overtaken;

    /// <param name="address">Where clients reach the relay; it takes a free port.</param>
    /// <param name="duplicated">Share of datagrams that is sent twice.</param>
    public RoughRelay(IPAddress address, IPEndPoint gateway, TimeSpan longestDelay, double duplicated, int seed)
    {
        _longestDelay = longestDelay;
        _duplicated = duplicated;
        _random = new Random(seed);
        _outside = Bind(address);
        _inside = Bind(address);
        _inside.Connect(gateway);
        _running =
        [
            RelayAsync(_outside, datagram => _inside.Send(datagram), client => _client = client),
            RelayAsync(_inside, datagram => _outside.SendTo(datagram, _client!), _ => { }),
        ];
    }

    public IPEndPoint Endpoint => (IPEndPoint)_outside.LocalEndPoint!;

    /// <summary>Datagrams that went through, copies not counted.</summary>
    public long Relayed => Interlocked.Read(ref _relayed);

    /// <summary>Of these, how many left after one that came later.</summary>
    public long Overtaken => Interlocked.Read(ref _overtaken);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _outside.Dispose();
        _inside.Dispose();
        _stop.Dispose();
    }

    private static Socket Bind(IPAddress address)
    {
        var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, 0));
        return socket;
    }

    /// <summary>One direction. Datagrams wait in a queue that is ordered by when they leave, so that nothing is lost but by the network.</summary>
    private async Task RelayAsync(Socket from, Action<byte[]> send, Action<EndPoint> heardFrom)
    {
        var arrivals = Channel.CreateBounded<byte[]>(MostUnderWay);
        var reading = ReadAsync(from, arrivals.Writer, heardFrom);
        var waiting = new PriorityQueue<(long Number, byte[] Datagram), long>();
        var number = 0L;
        var newestSent = -1L;
        while (!_stop.IsCancellationRequested)
        {
            while (arrivals.Reader.TryRead(out var datagram))
            {
                waiting.Enqueue((number, datagram), Due());
                if (_random.NextDouble() < _duplicated)
                    waiting.Enqueue((number, datagram), Due());
                number++;
                Interlocked.Increment(ref _relayed);
            }

            while (waiting.TryPeek(out var next, out var due) && due <= Environment.TickCount64)
            {
                waiting.Dequeue();
                if (next.Number < newestSent)
                    Interlocked.Increment(ref _overtaken);
                newestSent = Math.Max(newestSent, next.Number);
                TrySend(send, next.Datagram);
            }

            await Task.Delay(1, CancellationToken.None);
        }

        await reading;
    }

    private long Due() => Environment.TickCount64 + (long)(_random.NextDouble() * _longestDelay.TotalMilliseconds);

    private async Task ReadAsync(Socket from, ChannelWriter<byte[]> arrivals, Action<EndPoint> heardFrom)
    {
        var buffer = new byte[ushort.MaxValue];
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var result = await from.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                heardFrom(result.RemoteEndPoint);
                arrivals.TryWrite(buffer[..result.ReceivedBytes]);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionRefused)
            {
                // ICMP of an earlier datagram: one more loss, which is what this relay is for.
            }
        }
    }

    private static void TrySend(Action<byte[]> send, byte[] datagram)
    {
        try
        {
            send(datagram);
        }
        catch (SocketException fault) when (fault.SocketErrorCode == SocketError.ConnectionRefused)
        {
            // As above.
        }
    }
}
