using System.Text;
using UdpGateway.Gateway.Packets;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Packets;

public sealed class PayloadEncodingTests
{
    [Theory]
    [InlineData(PayloadFormatter.Base64, "aGVsbG8=", "68656C6C6F")]
    [InlineData(PayloadFormatter.Base64, "aGVsbG8", "68656C6C6F")]   // without padding
    [InlineData(PayloadFormatter.Base64, "", "")]
    [InlineData(PayloadFormatter.Base64, "+/+/", "FBFFBF")]
    [InlineData(PayloadFormatter.Base64, "-_-_", "FBFFBF")]          // url-safe
    [InlineData(PayloadFormatter.Base64, "-_8=", "FBFF")]
    [InlineData(PayloadFormatter.Base64, "-_8", "FBFF")]
    [InlineData(PayloadFormatter.Base64, "+/8", "FBFF")]
    [InlineData(PayloadFormatter.Hex, "fe0900A2", "FE0900A2")]
    [InlineData(PayloadFormatter.Hex, "", "")]
    [InlineData(PayloadFormatter.Ascii, "pong", "706F6E67")]
    [InlineData(PayloadFormatter.Utf8, "é", "C3A9")]
    public void Reads_replies(PayloadFormatter formatter, string data, string expected)
    {
        var payload = new byte[PayloadEncoding.MaxDecodedSize(formatter, data)];

        Assert.True(PayloadEncoding.TryRead(formatter, data, payload, out var length));
        Assert.Equal(expected, Convert.ToHexString(payload.AsSpan(0, length)));
    }

    [Theory]
    [InlineData(PayloadFormatter.Base64, "a")]
    [InlineData(PayloadFormatter.Base64, "a!b=")]
    [InlineData(PayloadFormatter.Base64, "plain text, not base64")]
    [InlineData(PayloadFormatter.Hex, "abc")]
    [InlineData(PayloadFormatter.Hex, "zz")]
    [InlineData(PayloadFormatter.Ascii, "é")]
    public void Refuses_what_the_formatter_cannot_mean(PayloadFormatter formatter, string data)
    {
        var payload = new byte[PayloadEncoding.MaxDecodedSize(formatter, data)];

        Assert.False(PayloadEncoding.TryRead(formatter, data, payload, out _));
    }

    [Theory]
    [InlineData(PayloadFormatter.Base64)]
    [InlineData(PayloadFormatter.Hex)]
    public void Brings_every_length_back(PayloadFormatter formatter)
    {
        for (var length = 0; length < 200; length++)
        {
            var payload = Enumerable.Range(0, length).Select(i => (byte)(i * 31)).ToArray();
            var data = formatter == PayloadFormatter.Hex ? Convert.ToHexString(payload) : Convert.ToBase64String(payload);
            var read = new byte[PayloadEncoding.MaxDecodedSize(formatter, data)];

            Assert.True(PayloadEncoding.TryRead(formatter, data, read, out var size));
            Assert.Equal(payload, read[..size]);
        }
    }

    [Fact]
    public void Tags_are_read_only_as_they_were_written()
    {
        Span<byte> buffer = stackalloc byte[PacketTag.MaxLength];
        foreach (var index in new[] { 0, 1, 0xffff, 0x10000, int.MaxValue - 1 })
        {
            var tag = Encoding.ASCII.GetString(PacketTag.Write(0xabcdef, index, buffer));

            Assert.True(PacketTag.TryRead(tag, 0xabcdef, int.MaxValue, out var read));
            Assert.Equal(index, read);
            Assert.False(PacketTag.TryRead(tag, 0xabcdee, int.MaxValue, out _));
            Assert.False(PacketTag.TryRead(tag, 0xabcdef, index, out _));
            Assert.False(PacketTag.TryRead(tag + "0", 0xabcdef, int.MaxValue, out _) && read != index);
            Assert.False(PacketTag.TryRead("0" + tag, 0xabcdef, int.MaxValue, out _));
        }

        Assert.False(PacketTag.TryRead("", 1, 10, out _));
        Assert.False(PacketTag.TryRead("not a tag of ours at all", 1, 10, out _));
    }
}
