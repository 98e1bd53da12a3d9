using System.Text;
using UdpGateway.Gateway.Packets;

namespace UdpGateway.Gateway.Tests.Packets;

public sealed class CoapMessageTests
{
    /// <summary>RFC 7252 appendix A, figures 16, 17 and 19.</summary>
    [Theory]
    [InlineData("40017D34BB74656D7065726174757265", 0, 1, 0x7d34, "", "11=temperature", "")]
    [InlineData("60457D34FF32322E332043", 2, 69, 0x7d34, "", "", "22.3 C")]
    [InlineData("41017D3520BB74656D7065726174757265", 0, 1, 0x7d35, "20", "11=temperature", "")]
    [InlineData("61457D3520FF32322E332043", 2, 69, 0x7d35, "20", "", "22.3 C")]
    [InlineData("60007D38", 2, 0, 0x7d38, "", "", "")]
    [InlineData("4145AD7B53FF32322E332043", 0, 69, 0xad7b, "53", "", "22.3 C")]
    public void Reads_the_examples_of_the_RFC(string datagram, int type, int code, int messageId, string token, string options, string payload)
    {
        Assert.True(CoapMessage.TryRead(Convert.FromHexString(datagram), out var message));

        Assert.Equal(type, message.Type);
        Assert.Equal(code, message.Code);
        Assert.Equal(messageId, message.MessageId);
        Assert.Equal(token, Convert.ToHexString(message.Token));
        Assert.Equal(options, Describe(message));
        Assert.Equal(payload, Encoding.UTF8.GetString(message.Payload));
    }

    [Theory]
    [InlineData("5001000130", "3=")]                                   // NON with an empty Uri-Host
    [InlineData("50010001B161" + "0162" + "00", "11=a 11=b 11=")]      // the same number again
    [InlineData("50010001D000", "13=")]
    [InlineData("50010001D1FF61", "268=a")]
    [InlineData("50010001E00000", "269=")]
    [InlineData("50010001E0FEF2", "65535=")]
    [InlineData("50010001BC616161616161616161616161", "11=aaaaaaaaaaaa")]
    [InlineData("50010001BD0061616161616161616161616161", "11=aaaaaaaaaaaaa")]
    [InlineData("50010001" + "D100" + "61" + "10" + "FF00", "13=a 14=")]
    public void Reads_options(string datagram, string options)
    {
        Assert.True(CoapMessage.TryRead(Convert.FromHexString(datagram), out var message));

        Assert.Equal(options, Describe(message));
    }

    [Theory]
    [InlineData("")]
    [InlineData("400100")]                 // shorter than its header
    [InlineData("00010001")]               // version 0
    [InlineData("80010001")]               // version 2
    [InlineData("49010001000000000000000000")] // a token of 9
    [InlineData("4201000101")]             // a token that is cut off
    [InlineData("40010001FF")]             // a payload marker without payload
    [InlineData("40010001F0")]             // a reserved delta
    [InlineData("400100010F")]             // a reserved length
    [InlineData("40010001D0")]             // an extended delta that is cut off
    [InlineData("40010001E000")]
    [InlineData("400100010D")]             // an extended length that is cut off
    [InlineData("400100010E00")]
    [InlineData("4001000115")]             // a value that is cut off
    [InlineData("40010001E0FEF3")]         // number 65536
    [InlineData("40010001E0FEF210")]       // the same by steps
    [InlineData("4100000101")]             // an empty message with a token
    [InlineData("40000001FF01")]           // an empty message with a payload
    [InlineData("68656C6C6F")]             // text that looks like version 1
    public void Refuses_what_is_no_message(string datagram) => Assert.False(CoapMessage.TryRead(Convert.FromHexString(datagram), out _));

    private static string Describe(in CoapMessage message)
    {
        var options = new List<string>();
        foreach (var option in message.Options)
            options.Add($"{option.Number}={Encoding.UTF8.GetString(option.Value)}");
        return string.Join(' ', options);
    }
}
