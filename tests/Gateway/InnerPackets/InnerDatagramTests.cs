using System.Net;
using UdpGateway.Gateway.InnerPackets;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests.InnerPackets;

public sealed class InnerDatagramTests
{
    private static readonly InnerFlow FlowIPv4 = new(4, Endpoint("10.8.0.2", 40001), Endpoint("10.8.0.1", 5683));
    private static readonly InnerFlow FlowIPv6 = new(6, Endpoint("fd00::2", 40001), Endpoint("fd00::1", 5683));

    public static TheoryData<int, int> VersionsAndLengths
    {
        get
        {
            var data = new TheoryData<int, int>();
            foreach (var length in new[] { 0, 1, 2, 3, 64, 1399, 1400 })
            {
                data.Add(4, length);
                data.Add(6, length);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(VersionsAndLengths))]
    public void Wraps_a_reply_with_swapped_addresses_and_right_checksums(int version, int length)
    {
        var flow = version == 4 ? FlowIPv4 : FlowIPv6;
        var packet = Wrap(flow, length);

        if (version == 4)
        {
            Assert.Equal(0xffff, Sum(packet[..20]));
            Assert.Equal(packet.Length, (packet[2] << 8) | packet[3]);
            Assert.Equal(64, packet[8]);
            Assert.Equal(17, packet[9]);
            Assert.Equal("10.8.0.1", new IPAddress(packet.AsSpan(12, 4)).ToString());
            Assert.Equal("10.8.0.2", new IPAddress(packet.AsSpan(16, 4)).ToString());
        }
        else
        {
            Assert.Equal(packet.Length - 40, (packet[4] << 8) | packet[5]);
            Assert.Equal(17, packet[6]);
            Assert.Equal(64, packet[7]);
            Assert.Equal("fd00::1", new IPAddress(packet.AsSpan(8, 16)).ToString());
            Assert.Equal("fd00::2", new IPAddress(packet.AsSpan(24, 16)).ToString());
        }

        var udp = packet[(flow.HeaderSize - 8)..];
        Assert.Equal(5683, (udp[0] << 8) | udp[1]);
        Assert.Equal(40001, (udp[2] << 8) | udp[3]);
        Assert.Equal(udp.Length, (udp[4] << 8) | udp[5]);
        Assert.NotEqual(0, (udp[6] << 8) | udp[7]);
        var addresses = version == 4 ? packet[12..20] : packet[8..40];
        Assert.Equal(0xffff, Sum([.. addresses, 0, 17, (byte)(udp.Length >> 8), (byte)udp.Length, .. udp]));
    }

    [Theory]
    [MemberData(nameof(VersionsAndLengths))]
    public void Reads_back_what_it_wrote(int version, int length)
    {
        var flow = version == 4 ? FlowIPv4 : FlowIPv6;
        var packet = Wrap(flow, length);

        var verdict = InnerDatagram.Read(packet, out var read, out var payload);

        Assert.Equal(InnerVerdict.Udp, verdict);
        Assert.Equal(flow with { Source = flow.Destination, Destination = flow.Source }, read);
        Assert.Equal((flow.HeaderSize, length), payload);
    }

    [Fact]
    public void Never_writes_a_zero_checksum()
    {
        // The payload that makes the sum of everything else 0xffff.
        var packet = Wrap(FlowIPv6, 2);
        var checksum = (packet[46] << 8) | packet[47];
        var payload = (packet[48] << 8) | packet[49];
        var sum = checksum + payload;
        sum = (sum & 0xffff) + (sum >> 16);
        packet[48] = (byte)(sum >> 8);
        packet[49] = (byte)sum;

        InnerDatagram.WriteReplyHeaders(packet, FlowIPv6);

        Assert.Equal(0xffff, (packet[46] << 8) | packet[47]);
        Assert.Equal(InnerVerdict.Udp, InnerDatagram.Read(packet, out _, out _));
    }

    [Fact]
    public void Accepts_an_absent_checksum_over_IPv4_only()
    {
        var ipv4 = Wrap(FlowIPv4, 10);
        ipv4[26] = ipv4[27] = 0;
        var ipv6 = Wrap(FlowIPv6, 10);
        ipv6[46] = ipv6[47] = 0;

        Assert.Equal(InnerVerdict.Udp, InnerDatagram.Read(ipv4, out _, out _));
        Assert.Equal(InnerVerdict.Malformed, InnerDatagram.Read(ipv6, out _, out _));
    }

    [Theory]
    [InlineData(0x20, 0x00)] // more fragments
    [InlineData(0x00, 0x01)] // an offset
    public void Refuses_IPv4_fragments(byte high, byte low)
    {
        var packet = Wrap(FlowIPv4, 10);
        packet[6] = high;
        packet[7] = low;
        FixHeaderChecksum(packet);

        Assert.Equal(InnerVerdict.Fragment, InnerDatagram.Read(packet, out _, out _));
    }

    [Fact]
    public void Refuses_IPv6_fragments_also_behind_other_extension_headers()
    {
        var packet = Wrap(FlowIPv6, 24);
        packet[6] = 60;  // destination options, eight bytes long
        packet[40] = 44; // fragment
        packet[41] = 0;

        Assert.Equal(InnerVerdict.Fragment, InnerDatagram.Read(packet, out _, out _));
    }

    [Fact]
    public void Reads_UDP_behind_an_extension_header()
    {
        var udp = Wrap(FlowIPv6, 5);
        byte[] packet = [.. udp[..40], 17, 0, 1, 4, 0, 0, 0, 0, .. udp[40..]];
        packet[5] += 8;
        packet[6] = 0; // hop-by-hop options

        Assert.Equal(InnerVerdict.Udp, InnerDatagram.Read(packet, out var flow, out var payload));
        Assert.Equal((56, 5), payload);
        Assert.Equal(5683, flow.Source.Port);
    }

    [Fact]
    public void Refuses_an_extension_header_that_is_cut_off()
    {
        var packet = Wrap(FlowIPv6, 0);
        packet[6] = 0;
        packet[41] = 200;

        Assert.Equal(InnerVerdict.Malformed, InnerDatagram.Read(packet, out _, out _));
    }

    [Fact]
    public void Refuses_what_is_not_UDP()
    {
        var ipv4 = Wrap(FlowIPv4, 10);
        ipv4[9] = 1;
        FixHeaderChecksum(ipv4);
        var ipv6 = Wrap(FlowIPv6, 10);
        ipv6[6] = 58;

        Assert.Equal(InnerVerdict.NotUdp, InnerDatagram.Read(ipv4, out _, out _));
        Assert.Equal(InnerVerdict.NotUdp, InnerDatagram.Read(ipv6, out _, out _));
    }

    [Theory]
    [InlineData(24, 0)]   // the UDP length
    [InlineData(25, 200)]
    [InlineData(26, 1)]   // its checksum
    [InlineData(30, 77)]  // its payload
    public void Refuses_a_contradicting_UDP_header(int offset, byte value)
    {
        var packet = Wrap(FlowIPv4, 10);
        packet[offset] = (byte)(packet[offset] == value ? value + 1 : offset == 24 ? 9 : value);

        Assert.Equal(InnerVerdict.Malformed, InnerDatagram.Read(packet, out _, out _));
    }

    [Theory]
    [InlineData("E is the first letter of a text that a nibble test takes for IPv4")]
    [InlineData("`backquoted text looks like IPv6 to a nibble test, and it is long enough")]
    [InlineData("1")]
    [InlineData("")]
    public void Takes_text_as_raw(string text)
    {
        var payload = System.Text.Encoding.ASCII.GetBytes(text);

        Assert.Equal(InnerVerdict.Raw, InnerDatagram.Read(payload, out var flow, out var whole));
        Assert.Equal(0, flow.Version);
        Assert.Equal((0, payload.Length), whole);
        Assert.False(InnerDatagram.IsIPPacket(payload));
    }

    [Fact]
    public void Takes_a_packet_with_a_wrong_header_checksum_as_raw()
    {
        var packet = Wrap(FlowIPv4, 10);
        packet[10] ^= 1;

        Assert.Equal(InnerVerdict.Raw, InnerDatagram.Read(packet, out _, out _));
    }

    [Fact]
    public void Survives_any_bytes_and_stays_within_them()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 50_000; round++)
        {
            var packet = Wrap(round % 2 == 0 ? FlowIPv4 : FlowIPv6, random.Next(40));
            for (var change = random.Next(4); change > 0; change--)
                packet[random.Next(packet.Length)] = (byte)random.Next(256);
            packet = packet[..(packet.Length - random.Next(3))];
            if (packet.Length >= 20 && packet[0] == 0x45)
                FixHeaderChecksum(packet);

            InnerDatagram.Read(packet, out _, out var payload);

            Assert.True(payload.Offset >= 0 && payload.Length >= 0 && payload.Offset + payload.Length <= packet.Length, $"seed {seed}");
        }
    }

    private static PeerEndpoint Endpoint(string address, int port) => PeerEndpoint.From(new IPEndPoint(IPAddress.Parse(address), port));

    private static byte[] Wrap(InnerFlow flow, int length)
    {
        var packet = new byte[flow.HeaderSize + length];
        for (var i = 0; i < length; i++)
            packet[flow.HeaderSize + i] = (byte)(i * 7 + 3);
        InnerDatagram.WriteReplyHeaders(packet, flow);
        return packet;
    }

    private static void FixHeaderChecksum(byte[] packet)
    {
        packet[10] = packet[11] = 0;
        var checksum = ~Sum(packet[..20]);
        packet[10] = (byte)(checksum >> 8);
        packet[11] = (byte)checksum;
    }

    /// <summary>RFC 1071 word by word, without what the gateway's own does.</summary>
    private static int Sum(byte[] data)
    {
        var sum = 0;
        for (var i = 0; i < data.Length; i += 2)
        {
            sum += (data[i] << 8) + (i + 1 < data.Length ? data[i + 1] : 0);
            if (sum > 0xffff)
                sum -= 0xffff;
        }

        return sum;
    }
}
