using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using InnerEcho;

namespace UdpGateway.Samples.Tests;

public sealed class InnerEchoTests
{
    [Theory]
    [InlineData("10.8.0.2", "10.8.0.1")]
    [InlineData("fd00:8::2", "fd00:8::1")]
    public void Answers_a_ping_with_the_same_identifier_and_data(string client, string host)
    {
        var answer = Assert.Single(Answers(InnerPacketBytes.Ping(client, host, "abcdefg")));

        var expected = InnerPacketBytes.Ping(host, client, "abcdefg");
        var header = answer.Length - 15;
        Assert.Equal(answer[0] >> 4 == 4 ? 0 : 129, answer[header]);
        Assert.Equal(expected[(header + 4)..], answer[(header + 4)..]);
        Assert.Equal(expected[(header - (header == 20 ? 8 : 32))..header], answer[(header - (header == 20 ? 8 : 32))..header]);
        InnerPacketBytes.AssertChecksumsHold(answer);
    }

    [Theory]
    [InlineData("10.8.0.2", "10.8.0.1", "hi")]
    [InlineData("10.8.0.2", "10.8.0.1", "odd")]
    [InlineData("10.8.0.2", "10.8.0.1", "")]
    [InlineData("fd00:8::2", "fd00:8::1", "six")]
    public void Echoes_udp_with_a_greeting_from_the_port_that_was_asked(string client, string host, string text)
    {
        var answer = Assert.Single(Answers(InnerPacketBytes.Udp(client, host, 40_001, 7, text)));

        InnerPacketBytes.AssertChecksumsHold(answer);
        var expected = InnerPacketBytes.Udp(host, client, 7, 40_001, $"hello from udpgw: {text}");
        var header = answer[0] >> 4 == 4 ? 20 : 40;
        Assert.Equal(expected[header..], answer[header..]);
    }

    [Theory]
    [InlineData("no packet at all")]
    [InlineData("E: text whose first byte looks like IPv4")]
    [InlineData("`: text whose first byte looks like IPv6")]
    [InlineData("")]
    public void Echoes_a_payload_that_is_no_ip_packet_without_wrapping_it(string text)
    {
        var answer = Assert.Single(Answers(Encoding.ASCII.GetBytes(text)));

        Assert.Equal($"hello from udpgw: {text}", Encoding.ASCII.GetString(answer));
    }

    [Fact]
    public void Answers_nothing_that_was_sent_to_a_group_or_to_another_protocol()
    {
        var toMulticast = InnerPacketBytes.Udp("fe80::2", "ff02::fb", 5353, 5353, "query");
        var toBroadcast = InnerPacketBytes.Udp("10.8.0.2", "255.255.255.255", 68, 67, "discover");
        var echoReply = InnerPacketBytes.Packet("10.8.0.2", "10.8.0.1", 1, [0, 0, 0, 0, 0, 1, 0, 1], 2);
        var tcp = InnerPacketBytes.Packet("10.8.0.2", "10.8.0.1", 6, new byte[20], 16);

        Assert.Empty(Answers(toMulticast, toBroadcast, echoReply, tcp));
    }

    [Fact]
    public void Ignores_what_stands_behind_the_packet_and_udp_lengths_that_do_not_fit()
    {
        var padded = Assert.Single(Answers([.. InnerPacketBytes.Ping("10.8.0.2", "10.8.0.1", "abc"), 0, 0, 0]));
        var tooLong = InnerPacketBytes.Udp("10.8.0.2", "10.8.0.1", 1, 2, "x");
        tooLong[25] = 200;

        Assert.Equal(20 + 8 + 3, padded.Length);
        Assert.Empty(Answers(tooLong));
    }

    [Fact]
    public void Replies_carry_the_tags_of_the_packets_that_they_answer()
    {
        var tcp = InnerPacketBytes.Packet("10.8.0.2", "10.8.0.1", 6, new byte[20], 16);

        var replies = Invoke("raw"u8.ToArray(), tcp, "also raw"u8.ToArray());

        Assert.Equal(["tag-0", "tag-2"], replies.Select(reply => (string?)reply!["Tag"]));
    }

    private static byte[][] Answers(params byte[][] payloads) =>
        [.. Invoke(payloads).Select(reply => Convert.FromBase64String((string)reply!["Data"]!))];

    private static JsonArray Invoke(params byte[][] payloads)
    {
        var messages = payloads.Select((payload, index) => new
        {
            Tag = $"tag-{index}",
            Remote = new { IpAddress = "192.0.2.1", Port = 40_000, PeerKey = Convert.ToBase64String(new byte[32]) },
            Local = new { Domain = "127.0.0.1", Port = 51_820, Protocol = "wg" },
            ReceivedAt = "2026-01-02T03:04:05.678Z",
            IngressRegion = "us-west-2",
            Formatter = "base64",
            Data = Convert.ToBase64String(payload),
        });
        using var input = new MemoryStream(JsonSerializer.SerializeToUtf8Bytes(new { Messages = messages }));

        using var output = new Function().Handle(input);

        return (JsonArray)JsonNode.Parse(output)!["Replies"]!;
    }
}
