using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace UdpGateway.Benchmarks.Load;

/// <summary>
/// The least that an HTTP endpoint can do, so that a run has something left for the gateway: it takes POST requests with a
/// length, counts their packets, and answers at once. Asked to, it sends the first packet of each request back.
/// </summary>
internal sealed class HttpSink : IDisposable
{
    private static readonly byte[] NoReplies = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull");

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _connections = [];
    private readonly int _timestampOffset;
    private readonly bool _replies;
    private long _packets;
    private long _requests;
    private long _unsigned;

    /// <param name="replies">Whether the first packet of each request goes back.</param>
    /// <param name="timestampOffset">
    /// Where the packets hold the time of their sending. A reply's is put forward by the time that it spent here, so that what is left of
    /// its age is not the endpoint's.
    /// </param>
    public HttpSink(bool replies = false, int timestampOffset = 0)
    {
        _replies = replies;
        _timestampOffset = timestampOffset;
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
        var buffer = new byte[64 * 1024];
        var filled = 0;
        try
        {
            while (true)
            {
                int headEnd;
                while ((headEnd = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) < 0)
                {
                    if (!Fill(connection, ref buffer, ref filled))
                        return;
                }

                var began = Stopwatch.GetTimestamp();
                var head = Encoding.ASCII.GetString(buffer, 0, headEnd);
                var length = ContentLength(head);
                var end = headEnd + 4 + length;
                while (filled < end)
                {
                    if (!Fill(connection, ref buffer, ref filled))
                        return;
                }

                if (!head.Contains("AWS4-HMAC-SHA256", StringComparison.Ordinal))
                    Interlocked.Increment(ref _unsigned);
                var body = buffer.AsSpan(headEnd + 4, length);
                Interlocked.Add(ref _packets, body.Count("\"Tag\":"u8));
                Interlocked.Increment(ref _requests);
                connection.Send(_replies ? Reply(body, began) : NoReplies);
                buffer.AsSpan(end, filled - end).CopyTo(buffer);
                filled -= end;
            }
        }
        catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
        {
            // The gateway, or the run, has ended.
        }
    }

    private static bool Fill(Socket connection, ref byte[] buffer, ref int filled)
    {
        if (filled == buffer.Length)
            Array.Resize(ref buffer, buffer.Length * 2);
        var read = connection.Receive(buffer.AsSpan(filled));
        filled += read;
        return read > 0;
    }

    private static int ContentLength(string head)
    {
        const string Name = "\r\nContent-Length:";
        var start = head.IndexOf(Name, StringComparison.OrdinalIgnoreCase) + Name.Length;
        var end = head.IndexOf('\r', start);
        return int.Parse(head.AsSpan(start, (end < 0 ? head.Length : end) - start).Trim(), CultureInfo.InvariantCulture);
    }

    private byte[] Reply(ReadOnlySpan<byte> body, long began)
    {
        var tag = Value(body, "\"Tag\":\""u8);
        var data = Value(body, "\"Data\":\""u8);
        var packet = new byte[data.Length];
        Base64.DecodeFromUtf8(data, packet, out _, out var length);
        var time = packet.AsSpan(_timestampOffset);
        BinaryPrimitives.WriteInt64LittleEndian(time, BinaryPrimitives.ReadInt64LittleEndian(time) + Stopwatch.GetTimestamp() - began);
        var answer = $$"""{"Replies":[{"Tag":"{{Encoding.ASCII.GetString(tag)}}","Data":"{{Convert.ToBase64String(packet, 0, length)}}"}]}""";
        return Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {answer.Length}\r\n\r\n{answer}");
    }

    private static ReadOnlySpan<byte> Value(ReadOnlySpan<byte> body, ReadOnlySpan<byte> name)
    {
        var value = body[(body.IndexOf(name) + name.Length)..];
        return value[..value.IndexOf((byte)'"')];
    }
}
