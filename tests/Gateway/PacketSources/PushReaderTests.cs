using System.Text;
using System.Text.Json;
using UdpGateway.Gateway.PacketSources;

namespace UdpGateway.Gateway.Tests.PacketSources;

public sealed class PushReaderTests
{
    private const string Key = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    [Theory]
    [InlineData("""{"Data":"cGluZw==","Remote":{"Address":"198.51.100.7","Port":40112}}""")]
    [InlineData("""{"Data":"cGluZw==","Remote":{"IpAddress":"198.51.100.7","Port":"40112","PeerKey":""},"Inner":null}""")]
    [InlineData("""{"Data":"70696E67","Formatter":"HEX","Remote":{"IP":"198.51.100.7","Port":40112,"PeerKey":null},"Inner":{}}""")]
    [InlineData("""{"Data":"ping","Formatter":"utf8","Remote":{"Address":"198.51.100.7","Port":40112},"Unknown":1}""")]
    public void Reads_a_packet_in_every_spelling(string packet)
    {
        foreach (var message in new[]
        {
            $$"""{"Messages":[{{packet}}]}""",
            $$"""{"Messages":[null,[{{packet}}]]}""",
            $$"""{"Messages":{{packet}}}""",
            packet,
            JsonSerializer.Serialize(new { Type = "Notification", TopicArn = "arn:aws:sns:us-west-2:123456789012:push", Message = $$"""{"Messages":[{{packet}}]}""" }),
        })
        {
            var document = PushReader.Read(message);

            var read = Assert.Single(document.Packets);
            Assert.Equal(("198.51.100.7:40112", "ping"), (read.Remote!.Value.ToString(), Encoding.ASCII.GetString(read.Payload)));
            Assert.Equal((null, null, 0), (read.PeerKey, read.Inner, document.Malformed));
        }
    }

    [Fact]
    public void Reads_a_coap_message()
    {
        var data = JsonSerializer.Serialize("""{"Type":1,"Code":"2.05","MessageId":7,"Token":"","Options":[{"Number":6}],"Payload":"aGk="}""");

        var read = Assert.Single(PushReader.Read($$$"""{"Messages":[{"Formatter":"coap","Data":{{{data}}},"Remote":{"Address":"::1","Port":5683}}]}""").Packets);

        Assert.Equal("50450007", Convert.ToHexString(read.Payload, 0, 4));
        Assert.Equal("hi"u8.ToArray(), read.Payload[^2..]);
    }

    [Fact]
    public void Reads_key_and_inner_addresses_in_the_requests_orientation()
    {
        var read = Assert.Single(PushReader.Read($$$"""
            {"Messages":[{"Data":"","Remote":{"PeerKey":"{{{Key}}}"},"Inner":{"SourceAddress":"10.8.0.2","SourcePort":40001,"DestinationAddress":"10.8.0.1","DestinationPort":5683,"Version":4,"Protocol":17}}]}
            """).Packets);

        Assert.Equal(Convert.FromBase64String(Key), read.PeerKey);
        Assert.Null(read.Remote);
        Assert.Equal(("10.8.0.2:40001", "10.8.0.1:5683", 4), (read.Inner!.Value.Source.ToString(), read.Inner.Value.Destination.ToString(), read.Inner.Value.Version));
        Assert.Empty(read.Payload);
    }

    [Theory]
    [InlineData("nothing", "not JSON")]
    [InlineData("[]", "no object")]
    [InlineData("{}", "no Messages")]
    [InlineData("""{"Messages":["text"]}""", "no object")]
    [InlineData("""{"Messages":[{"Remote":{"Address":"127.0.0.1","Port":1}}]}""", "no Data")]
    [InlineData("""{"Messages":[{"Data":"?","Remote":{"Address":"127.0.0.1","Port":1}}]}""", "no Base64 text")]
    [InlineData("""{"Messages":[{"Data":"","Formatter":"1","Remote":{"Address":"127.0.0.1","Port":1}}]}""", "Formatter")]
    [InlineData("""{"Messages":[{"Data":""}]}""", "no Remote")]
    [InlineData("""{"Messages":[{"Data":"","Remote":{"Address":"host","Port":1}}]}""", "Address")]
    [InlineData("""{"Messages":[{"Data":"","Remote":{"Address":"127.0.0.1","Port":0}}]}""", "Port")]
    [InlineData("""{"Messages":[{"Data":"","Remote":{"Address":"127.0.0.1","Port":70000}}]}""", "Port")]
    [InlineData("""{"Messages":[{"Data":"","Remote":{"Address":"127.0.0.1","Port":1,"PeerKey":"short"}}]}""", "PeerKey")]
    [InlineData("""{"Messages":[{"Data":"","Remote":{"Address":"127.0.0.1","Port":1},"Inner":{"SourceAddress":"10.0.0.1","SourcePort":1,"DestinationAddress":"fd00::1","DestinationPort":1}}]}""", "Inner")]
    [InlineData("""{"Messages":[{"Data":"\ud800","Remote":{"Address":"127.0.0.1","Port":1}}]}""", "text that is none")]
    public void Counts_what_it_cannot_read_and_says_why(string message, string part)
    {
        var document = PushReader.Read(message);

        Assert.Empty(document.Packets);
        Assert.Equal(1, document.Malformed);
        Assert.Contains(part, document.FirstProblem, StringComparison.Ordinal);
    }
}
