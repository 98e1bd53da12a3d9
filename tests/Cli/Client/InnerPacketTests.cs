using System.Net;
using System.Text;
using UdpGateway.Cli.Client;

namespace UdpGateway.Cli.Tests.Client;

public sealed class InnerPacketTests
{
    private const string Ping = "4500002300000000400166c80a0800020a0800010800289b123400017061796c6f6164";
    private const string UdpOverIPv4 = "4500002100000000401166ba0a0800020a0800019c410007000d0ba768656c6c6f";
    private const string UdpOverIPv6 = "60000000000d1140fd000008000000000000000000000002fd0000080000000000000000000000019c410007000d25a568656c6c6f";

    [Fact]
    public void Writes_an_echo_request_with_both_checksums()
    {
        var packet = InnerPacket.WriteEchoRequest(IPAddress.Parse("10.8.0.2"), IPAddress.Parse("10.8.0.1"), 0x1234, 1, "payload"u8);

        Assert.Equal(Ping, Convert.ToHexStringLower(packet));
    }

    [Theory]
    [InlineData("10.8.0.2:40001", "10.8.0.1:7", UdpOverIPv4)]
    [InlineData("[fd00:8::2]:40001", "[fd00:8::1]:7", UdpOverIPv6)]
    public void Writes_udp_with_the_checksum_over_the_pseudo_header(string source, string destination, string expected)
    {
        var packet = InnerPacket.WriteUdp(IPEndPoint.Parse(source), IPEndPoint.Parse(destination), "hello"u8);

        Assert.Equal(expected, Convert.ToHexStringLower(packet));
    }

    [Theory]
    [InlineData(UdpOverIPv4, "10.8.0.2", "10.8.0.1")]
    [InlineData(UdpOverIPv6, "fd00:8::2", "fd00:8::1")]
    public void Reads_what_it_writes_and_ignores_padding(string packetHex, string source, string destination)
    {
        var isPacket = InnerPacket.TryRead([.. Convert.FromHexString(packetHex), 0, 0, 0], out var packet);
        var isUdp = packet.TryReadUdp(out var sourcePort, out var destinationPort, out var data);

        Assert.True(isPacket && isUdp);
        Assert.True(packet.IsBetween(IPAddress.Parse(source), IPAddress.Parse(destination)));
        Assert.Equal((40_001, 7, "hello"), (sourcePort, destinationPort, Encoding.ASCII.GetString(data)));
    }

    [Theory]
    [InlineData(Ping)]
    [InlineData(UdpOverIPv4)]
    [InlineData(UdpOverIPv6)]
    public void Refuses_every_truncation_and_every_flipped_byte_that_a_checksum_covers(string packetHex)
    {
        var packet = Convert.FromHexString(packetHex);

        for (var length = 0; length < packet.Length; length++)
            Assert.False(InnerPacket.TryRead(packet.AsSpan(0, length), out _), $"{length} bytes");
        for (var i = packet.Length - 8; i < packet.Length; i++)
        {
            var flipped = (byte[])packet.Clone();
            flipped[i] ^= 0x01;
            Assert.False(InnerPacket.TryRead(flipped, out _), $"byte {i}");
        }
    }
}
