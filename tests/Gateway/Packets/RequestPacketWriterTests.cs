using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Json;
using UdpGateway.Gateway.Batching;
using UdpGateway.Gateway.InnerPackets;
using UdpGateway.Gateway.Packets;
using UdpGateway.Gateway.Replies;
using UdpGateway.Listeners;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests.Packets;

public sealed class RequestPacketWriterTests
{
    private static readonly long ReceivedAt = new DateTimeOffset(2026, 4, 14, 17, 3, 22, 123, TimeSpan.Zero).ToUnixTimeMilliseconds();

    [Theory]
    [InlineData(PayloadFormatter.Base64)]
    [InlineData(PayloadFormatter.Hex)]
    [InlineData(PayloadFormatter.Ascii)]
    [InlineData(PayloadFormatter.Utf8)]
    public void Writes_packets_as_the_golden_file_says(PayloadFormatter formatter)
    {
        var golden = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Packets", $"request-packets.{formatter.ToString().ToLowerInvariant()}.json"));

        var json = Write(formatter, SampleBatch());

        Assert.Equal(golden.Trim(), json);
    }

    [Theory]
    [InlineData(PayloadFormatter.Base64)]
    [InlineData(PayloadFormatter.Hex)]
    [InlineData(PayloadFormatter.Ascii)]
    [InlineData(PayloadFormatter.Utf8)]
    public void Never_writes_more_than_was_counted(PayloadFormatter formatter)
    {
        var writer = new RequestPacketWriter(Facts(formatter));
        var random = new Random(7);
        foreach (var length in new[] { 0, 1, 2, 3, 100, 1400, 65_507 })
        {
            var payload = new byte[length];
            random.NextBytes(payload);
            var batch = new PacketBatch();
            batch.Start(ulong.MaxValue, null!);
            for (var i = 0; i < 20; i++)
                batch.Add(payload, Tunnel("fd00::2", 6), writer.PacketOverhead + PayloadEncoding.EncodedSize(formatter, payload));
            var output = new ArrayBufferWriter<byte>();

            writer.Write(output, batch);

            Assert.InRange(output.WrittenCount, 1, batch.EncodedSize + RequestPacketWriter.EnvelopeSize);
            using var parsed = JsonDocument.Parse(output.WrittenMemory);
            Assert.Equal(20, parsed.RootElement.GetProperty("Messages").GetArrayLength());
        }
    }

    [Fact]
    public void Never_writes_more_than_was_counted_of_CoAP_messages()
    {
        var writer = new RequestPacketWriter(Facts(PayloadFormatter.Coap));
        var payload = Convert.FromHexString("41017D3520BB74656D7065726174757265FF32322E332043");
        var batch = new PacketBatch();
        batch.Start(ulong.MaxValue, null!);
        for (var i = 0; i < 20; i++)
            batch.Add(payload, Tunnel("fd00::2", 6), writer.PacketOverhead + PayloadEncoding.EncodedSize(PayloadFormatter.Coap, payload));
        var output = new ArrayBufferWriter<byte>();

        writer.Write(output, batch);

        Assert.InRange(output.WrittenCount, 1, batch.EncodedSize + RequestPacketWriter.EnvelopeSize);
        using var parsed = JsonDocument.Parse(output.WrittenMemory);
        Assert.All(parsed.RootElement.GetProperty("Messages").EnumerateArray(), packet => Assert.Equal("coap", packet.GetProperty("Formatter").GetString()));
    }

    [Fact]
    public void Names_IPv6_sources_in_their_short_form()
    {
        var batch = new PacketBatch();
        batch.Start(1, null!);
        batch.Add("x"u8, new PacketOrigin { Route = new ReplyRoute(ReplyForm.Datagram, Endpoint("2001:db8::7", 9), default, 0, default) }, 0);

        Assert.Contains("\"IpAddress\":\"2001:db8::7\"", Write(PayloadFormatter.Base64, batch), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(PayloadFormatter.Base64)]
    [InlineData(PayloadFormatter.Utf8)]
    public void Writes_a_packet_behind_others_as_it_does_alone(PayloadFormatter formatter)
    {
        var origin = Tunnel(null, 0);
        var (later, otherPort, otherAddress, otherKey, plain, decapsulated) = (origin, origin, origin, origin, origin, Tunnel("10.8.0.2", 4));
        later.ReceivedAtUnixMilliseconds++;
        otherPort.Route = origin.Route with { Endpoint = origin.Route.Endpoint with { Port = 1 } };
        otherAddress.Route = origin.Route with { Endpoint = Endpoint("2001:db8::7", origin.Route.Endpoint.Port) };
        otherKey.PeerKey[PublicKeyBytes.Size - 1] ^= 1;
        plain.Route = origin.Route with { Form = ReplyForm.Datagram };
        PacketOrigin[] differing = [later, otherPort, otherAddress, otherKey, plain, decapsulated];
        var batch = new PacketBatch();
        batch.Start(7, null!);
        foreach (var other in differing)
        {
            batch.Add("first"u8, origin, 0);
            batch.Add("second"u8, origin, 0);
            batch.Add("other"u8, other, 0);
        }

        var together = Write(formatter, batch);

        var alone = Enumerable.Range(0, batch.Count).Select(index =>
        {
            var output = new ArrayBufferWriter<byte>();
            new RequestPacketWriter(Facts(formatter)).WritePacket(output, batch, index);
            return Encoding.UTF8.GetString(output.WrittenSpan);
        }).ToList();
        Assert.Equal($$"""{"Messages":[{{string.Join(',', alone)}}]}""", together);
        var withoutTags = alone.Select(packet => packet[packet.IndexOf(",\"Remote\"", StringComparison.Ordinal)..]).ToList();
        Assert.Equal(2 + differing.Length, withoutTags.Distinct(StringComparer.Ordinal).Count());
    }

    private static string Write(PayloadFormatter formatter, PacketBatch batch)
    {
        var output = new ArrayBufferWriter<byte>();
        new RequestPacketWriter(Facts(formatter)).Write(output, batch);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }

    private static PacketFacts Facts(PayloadFormatter formatter) => new()
    {
        Domain = "udp.example.com",
        Port = 2061,
        Protocol = ListenerProtocol.WireGuard,
        LocalAddress = "127.0.0.1",
        IngressRegion = "us-west-2",
        Formatter = formatter,
    };

    /// <summary>Text, nothing, bytes that are no text, and an inner flow of each version.</summary>
    private static PacketBatch SampleBatch()
    {
        var batch = new PacketBatch();
        batch.Start(0x0f6c_0000_0000_00ff, null!);
        batch.Add("hello \"you\" <&+>\n"u8, Tunnel(null, 0), 0);
        batch.Add([], Tunnel(null, 0), 0);
        batch.Add([0xfe, 0x09, 0x00, 0xa2, 0xc3, 0xa9, 0xff], Tunnel("10.8.0.2", 4), 0);
        batch.Add("é€😀"u8, Tunnel("fd00::2", 6), 0);
        return batch;
    }

    private static PacketOrigin Tunnel(string? inner, byte version)
    {
        var flow = inner is null ? default : new InnerFlow(version, Endpoint(inner, 40001), Endpoint(version == 4 ? "10.8.0.1" : "fd00::1", 5683));
        var origin = new PacketOrigin
        {
            ReceivedAtUnixMilliseconds = ReceivedAt,
            Route = new ReplyRoute(inner is null ? ReplyForm.TunnelVerbatim : ReplyForm.TunnelUdp, Endpoint("198.51.100.7", 40112), default, 1, flow),
        };
        for (var i = 0; i < PublicKeyBytes.Size; i++)
            origin.PeerKey[i] = 0xfb;
        return origin;
    }

    private static PeerEndpoint Endpoint(string address, int port) => PeerEndpoint.From(new IPEndPoint(IPAddress.Parse(address), port));
}
