using System.Buffers.Binary;
using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace UdpGateway.Benchmarks.Load;

/// <summary>
/// The least that an HTTP endpoint can do, so that a run has something left for the gateway: it takes POST requests with a
/// length, counts their packets, and answers at once.
/// </summary>
internal sealed class HttpSink : IDisposable
{
    private static readonly byte[] NoReplies = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull");

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _connections = [];
    private readonly DelayLedger? _ledger;
    private long _packets;
    private long _requests;
    private long _unsigned;

    /// <param name="ledger">With it the first packet of each request goes back, and the ledger hears how long it was here.</param>
    public HttpSink(DelayLedger? ledger = null)
    {
        _ledger = ledger;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        new Thread(Accept) { Name = "sink", IsBackground = true }.Start();
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}");

    public long Packets => Volatile.Read(ref _packets);

    public long Requests => Volatile.Read(ref _requests);

    /// <summary>Requests without a signature.</summary>
    public long Unsigned => Volatile.Read(ref _unsigned);

    public void Dispose()
    {
        _listener.Dispose();
        lock (_connections)
            _connections.ForEach(connection => connection.Dispose());
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var connection = _listener.Accept();
                connection.NoDelay = true;
                lock (_connections)
                    _connections.Add(connection);
                new Thread(() => Serve(connection)) { Name = "sink connection", IsBackground = true }.Start();
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private void Serve(Socket connection)
    {
        try
        {
            if (_ledger is not null)
                DelayLoad.YieldToGateway();
            var arrivals = new ArrivalStamps(connection);
            var buffer = new byte[64 * 1024];
            var answer = new byte[8 * 1024];
            var filled = 0;
            var arrived = 0L;
            while (true)
            {
                int headEnd;
                while ((headEnd = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
                {
                    if (!Fill(arrivals, ref buffer, ref filled, ref arrived))
                        return;
                }

                var length = ContentLength(buffer.AsSpan(0, headEnd + 2));
                var end = headEnd + 4 + length;
                while (filled < end)
                {
                    if (!Fill(arrivals, ref buffer, ref filled, ref arrived))
                        return;
                }

                if (buffer.AsSpan(0, headEnd).IndexOf("AWS4-HMAC-SHA256"u8) < 0)
                    Interlocked.Increment(ref _unsigned);
                var body = buffer.AsSpan(headEnd + 4, length);
                if (_ledger is null)
                {
                    Interlocked.Add(ref _packets, body.Count("\"Tag\":"u8));
                    connection.Send(NoReplies);
                }
                else
                {
                    var (number, answerLength) = Reply(body, answer);
                    _ledger.Answer(number, arrived);
                    connection.Send(answer.AsSpan(0, answerLength));
                }

                Interlocked.Increment(ref _requests);
                buffer.AsSpan(end, filled - end).CopyTo(buffer);
                filled -= end;
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The gateway, or the run, has ended.
        }
    }

    private static bool Fill(ArrivalStamps arrivals, ref byte[] buffer, ref int filled, ref long arrived)
    {
        if (filled == buffer.Length)
            Array.Resize(ref buffer, buffer.Length * 2);
        var read = arrivals.Receive(buffer.AsSpan(filled), waits: true, out arrived);
        filled += Math.Max(read, 0);
        return read > 0;
    }

    private static int ContentLength(ReadOnlySpan<byte> head)
    {
        var name = "\r\nContent-Length: "u8;
        var start = head.IndexOf(name) + name.Length;
        return start >= name.Length && Utf8Parser.TryParse(head[start..], out int length, out _)
            ? length
            : throw new InvalidOperationException("The request has no length.");
    }

    /// <summary>The number of the body's first packet, and the length of the answer that sends the packet back.</summary>
    private static (long Number, int Length) Reply(ReadOnlySpan<byte> body, Span<byte> answer)
    {
        var tag = Value(body, "\"Tag\":\""u8);
        var data = Value(body, "\"Data\":\""u8);
        Span<byte> packet = stackalloc byte[2_048];
        Base64.DecodeFromUtf8(data, packet, out _, out _);

        var length = 0;
        Append("HTTP/1.1 200 OK\r\nContent-Length: "u8, answer);
        Utf8Formatter.TryFormat("""{"Replies":[{"Tag":"","Data":""}]}"""u8.Length + tag.Length + data.Length, answer[length..], out var digits);
        length += digits;
        Append("\r\n\r\n{\"Replies\":[{\"Tag\":\""u8, answer);
        Append(tag, answer);
        Append("\",\"Data\":\""u8, answer);
        Append(data, answer);
        Append("\"}]}"u8, answer);
        return (BinaryPrimitives.ReadInt64LittleEndian(packet[LoadClient.InnerHeaders..]), length);

        void Append(ReadOnlySpan<byte> text, Span<byte> target)
        {
            text.CopyTo(target[length..]);
            length += text.Length;
        }
    }

    private static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> body, ReadOnlySpan<byte> name)
    {
        var value = body[(body.IndexOf(name) + name.Length)..];
        return value[..value.IndexOf((byte)'"')];
    }
}
