using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace UdpGateway.EndToEnd.Tests.Samples;

/// <summary>A CoAP message of RFC 7252 §3, as a client sees it.</summary>
/// <param name="Code">As <c>c.dd</c> is written: <c>2.05</c>.</param>
internal sealed record CoapDatagram(int Type, string Code, ushort MessageId, byte[] Token, IReadOnlyList<(int Number, byte[] Value)> Options, string Payload)
{
    public const int Confirmable = 0;
    public const int Acknowledgement = 2;
    public const int Reset = 3;

    public const int Observe = 6;

    /// <summary>Null without the option.</summary>
    public uint? ObserveNumber => Options.Where(option => option.Number == Observe).Select(option => (uint?)option.Value.Aggregate(0u, (number, digit) => (number << 8) | digit)).SingleOrDefault();

    public static CoapDatagram Parse(ReadOnlySpan<byte> bytes)
    {
        Assert.Equal(1, bytes[0] >> 6);
        var position = 4 + (bytes[0] & 15);
        var token = bytes[4..position].ToArray();
        var options = new List<(int, byte[])>();
        var number = 0;
        while (position < bytes.Length && bytes[position] != 0xFF)
        {
            var header = bytes[position++];
            number += Extended(header >> 4, bytes, ref position);
            var length = Extended(header & 15, bytes, ref position);
            options.Add((number, bytes.Slice(position, length).ToArray()));
            position += length;
        }

        var payload = position < bytes.Length ? Encoding.UTF8.GetString(bytes[(position + 1)..]) : "";
        return new CoapDatagram((bytes[0] >> 4) & 3, $"{bytes[1] >> 5}.{bytes[1] & 31:00}", BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]), token, options, payload);
    }

    /// <summary>Options are short, and their numbers at most 12 apart.</summary>
    public byte[] ToBytes()
    {
        var bytes = new List<byte> { (byte)((1 << 6) | (Type << 4) | Token.Length), (byte)(((Code[0] - '0') << 5) | byte.Parse(Code[2..], System.Globalization.CultureInfo.InvariantCulture)), (byte)(MessageId >> 8), (byte)MessageId };
        bytes.AddRange(Token);
        var previous = 0;
        foreach (var (number, value) in Options)
        {
            bytes.Add((byte)(((number - previous) << 4) | value.Length));
            bytes.AddRange(value);
            previous = number;
        }

        return [.. bytes];
    }

    private static int Extended(int nibble, ReadOnlySpan<byte> bytes, ref int position)
    {
        if (nibble == 13)
            return bytes[position++] + 13;
        if (nibble != 14)
            return nibble;
        position += 2;
        return BinaryPrimitives.ReadUInt16BigEndian(bytes[(position - 2)..]) + 269;
    }
}

/// <summary>A CoAP client on a socket of its own.</summary>
internal sealed class CoapClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly UdpClient _socket = new(new IPEndPoint(IPAddress.Loopback, 0));
    private ushort _messageId = 100;

    public CoapClient(IPEndPoint server) => _socket.Connect(server);

    /// <summary>A confirmable request, and the response that came with its acknowledgement.</summary>
    public async Task<CoapDatagram> RequestAsync(string code, string path, byte[] token, uint? observe = null, (int Number, byte[] Value)? more = null)
    {
        var options = new List<(int, byte[])>();
        if (observe is { } value)
            options.Add((CoapDatagram.Observe, value == 0 ? [] : [(byte)value]));
        options.AddRange(path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(segment => (11, Encoding.UTF8.GetBytes(segment))));
        if (more is { } option)
            options.Add(option);
        var request = new CoapDatagram(CoapDatagram.Confirmable, code, ++_messageId, token, options, "");
        await SendAsync(request);
        var response = await ReceiveAsync();
        Assert.Equal((CoapDatagram.Acknowledgement, request.MessageId, Convert.ToHexString(token)), (response.Type, response.MessageId, Convert.ToHexString(response.Token)));
        return response;
    }

    public Task AnswerAsync(CoapDatagram notification, int type) => SendAsync(new CoapDatagram(type, "0.00", notification.MessageId, [], [], ""));

    public Task SendAsync(CoapDatagram message) => _socket.SendAsync(message.ToBytes()).AsTask();

    public async Task<CoapDatagram> ReceiveAsync()
    {
        using var deadline = new CancellationTokenSource(Patience);
        return CoapDatagram.Parse((await _socket.ReceiveAsync(deadline.Token)).Buffer);
    }

    public void Dispose() => _socket.Dispose();
}
