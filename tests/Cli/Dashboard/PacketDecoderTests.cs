using UdpGateway.Cli.Client;
using UdpGateway.Cli.Dashboard;

namespace UdpGateway.Cli.Tests.Dashboard;

public sealed class PacketDecoderTests
{
    private static readonly byte[] CoapGet = Convert.FromHexString("44010001a1b2c3d4b773656e736f72730474656d70ff7b7d");

    [Fact]
    public void Reads_CoAP_within_an_inner_datagram()
    {
        var packet = InnerPacket.WriteUdp(new(System.Net.IPAddress.Parse("10.8.0.2"), 40_000), new(System.Net.IPAddress.Parse("10.8.0.1"), 5683), CoapGet);

        var decoded = PacketDecoder.Decode(packet, isPlain: false, mayBeCoap: false);

        Assert.Equal("CoAP", decoded.Protocol);
        Assert.Equal("10.8.0.2:40000 → 10.8.0.1:5683 GET /sensors/temp", decoded.Summary);
        Assert.Equal(["IPv4", "UDP", "CoAP"], decoded.Layers.Select(layer => layer.Title));
        Assert.Equal("{}", System.Text.Encoding.UTF8.GetString(packet, decoded.PayloadOffset, decoded.PayloadLength));
        Assert.Contains(KeyValuePair.Create("Token", "a1b2c3d4"), decoded.Layers[2].Fields);
    }

    [Fact]
    public void Reads_echo_requests_of_both_versions()
    {
        var four = InnerPacket.WriteEchoRequest(System.Net.IPAddress.Parse("10.8.0.2"), System.Net.IPAddress.Parse("10.8.0.1"), 7, 3, "abc"u8);
        var six = InnerPacket.WriteEchoRequest(System.Net.IPAddress.Parse("fd00:8::2"), System.Net.IPAddress.Parse("fd00:8::1"), 7, 4, "abc"u8);

        Assert.Equal("10.8.0.2 → 10.8.0.1 echo request, sequence 3", PacketDecoder.Decode(four, isPlain: false, mayBeCoap: false).Summary);
        Assert.Equal("fd00:8::2 → fd00:8::1 echo request, sequence 4", PacketDecoder.Decode(six, isPlain: false, mayBeCoap: false).Summary);
    }

    [Theory]
    [InlineData("HELLO world, this is text", "UDP")]
    [InlineData("hello", "UDP")]
    [InlineData("", "UDP")]
    public void Takes_no_text_for_CoAP(string text, string protocol)
    {
        Assert.Equal(protocol, PacketDecoder.Decode(System.Text.Encoding.ASCII.GetBytes(text), isPlain: true, mayBeCoap: false).Protocol);
    }

    [Fact]
    public void Survives_every_cut_and_every_changed_byte()
    {
        var random = new Random(20261123);
        byte[][] packets =
        [
            InnerPacket.WriteUdp(new(System.Net.IPAddress.Parse("10.8.0.2"), 40_000), new(System.Net.IPAddress.Parse("10.8.0.1"), 5683), CoapGet),
            InnerPacket.WriteUdp(new(System.Net.IPAddress.Parse("fd00::2"), 40_000), new(System.Net.IPAddress.Parse("fd00::1"), 5683), CoapGet),
            InnerPacket.WriteEchoRequest(System.Net.IPAddress.Parse("fd00::2"), System.Net.IPAddress.Parse("fd00::1"), 1, 2, "x"u8),
        ];
        for (var round = 0; round < 20_000; round++)
        {
            var packet = packets[random.Next(packets.Length)].ToArray();
            for (var changes = random.Next(4); changes > 0; changes--)
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            packet = packet[..random.Next(packet.Length + 1)];

            var decoded = PacketDecoder.Decode(packet, isPlain: false, mayBeCoap: true);

            Assert.InRange(decoded.PayloadOffset, 0, packet.Length);
            Assert.InRange(decoded.PayloadLength, 0, packet.Length - decoded.PayloadOffset);
        }
    }
}
