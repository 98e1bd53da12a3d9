using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace UdpGateway.Gateway.Tests.TestDoubles;

/// <summary>An authoritative name server on 127.0.0.1 for the A, AAAA and PTR records that it is told; anything else does not exist.</summary>
internal sealed class DnsTestServer : IAsyncDisposable
{
    private const int TypeA = 1;
    private const int TypePtr = 12;
    private const int TypeAaaa = 28;
    private const int HeaderSize = 12;

    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly ConcurrentDictionary<(string Name, int Type), byte[][]> _records = new();
    private readonly ConcurrentQueue<string> _queries = new();
    private readonly Task _serving;

    public DnsTestServer() => _serving = ServeAsync();

    public IPEndPoint Endpoint => (IPEndPoint)_socket.Client.LocalEndPoint!;

    /// <summary>Names asked for, in order.</summary>
    public IReadOnlyList<string> Queries => [.. _queries];

    /// <summary>True: every query gets SERVFAIL.</summary>
    public bool Fails { get; set; }

    public void SetAddresses(string name, params string[] addresses)
    {
        foreach (var (type, family) in new[] { (TypeA, AddressFamily.InterNetwork), (TypeAaaa, AddressFamily.InterNetworkV6) })
            _records[(name, type)] = [.. addresses.Select(IPAddress.Parse).Where(address => address.AddressFamily == family).Select(address => address.GetAddressBytes())];
    }

    public void SetNames(string arpaName, params string[] names) => _records[(arpaName, TypePtr)] = [.. names.Select(EncodeName)];

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _serving;
    }

    private async Task ServeAsync()
    {
        while (true)
        {
            try
            {
                var query = await _socket.ReceiveAsync();
                await _socket.SendAsync(Answer(query.Buffer), query.RemoteEndPoint);
            }
            catch (Exception end) when (end is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted or SocketError.Interrupted })
            {
                return;
            }
        }
    }

    private byte[] Answer(byte[] query)
    {
        var labels = new List<string>();
        var place = HeaderSize;
        for (; query[place] != 0; place += 1 + query[place])
            labels.Add(Encoding.ASCII.GetString(query, place + 1, query[place]).ToLowerInvariant());
        var type = BinaryPrimitives.ReadUInt16BigEndian(query.AsSpan(place + 1));
        var question = query.AsSpan(HeaderSize, place + 5 - HeaderSize);
        var name = string.Join('.', labels);
        _queries.Enqueue(name);

        var records = Fails ? [] : _records.GetValueOrDefault((name, type), []);
        var exists = _records.Keys.Any(key => key.Name == name);
        var code = Fails ? 2 : exists ? 0 : 3;
        var answer = new List<byte>([query[0], query[1], 0x85, (byte)(0x80 | code), 0, 1, 0, (byte)records.Length, 0, 0, 0, 0, .. question]);
        foreach (var record in records)
            answer.AddRange([0xC0, HeaderSize, 0, (byte)type, 0, 1, 0, 0, 0, 0, 0, (byte)record.Length, .. record]);
        return [.. answer];
    }

    private static byte[] EncodeName(string name) => [.. name.Split('.').SelectMany(label => Encoding.ASCII.GetBytes(label).Prepend((byte)label.Length)), 0];
}
