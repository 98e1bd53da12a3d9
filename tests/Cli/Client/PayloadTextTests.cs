using UdpGateway.Cli.Client;

namespace UdpGateway.Cli.Tests.Client;

public sealed class PayloadTextTests
{
    [Theory]
    [InlineData("68656c6c6f", "hello")]
    [InlineData("c3a4", "ä")]
    [InlineData("", "")]
    [InlineData("1b5b324a", "hex:1b5b324a")]
    [InlineData("ff00", "hex:ff00")]
    [InlineData("680a69", "hex:680a69")]
    [InlineData("68690a", "hi")]
    [InlineData("68690a0a", "hex:68690a0a")]
    public void Prints_text_as_text_and_everything_that_could_disturb_a_terminal_as_hex(string payload, string line)
    {
        Assert.Equal(line, new PayloadText(hex: false).Write(Convert.FromHexString(payload)));
    }

    [Fact]
    public void Reads_and_prints_digits_when_asked_for_hex()
    {
        var text = new PayloadText(hex: true);

        Assert.Equal([0x0a, 0xff], text.Read("0aFF"));
        Assert.Equal("0aff", text.Write([0x0a, 0xff]));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("zz")]
    [InlineData("0x00")]
    public void Refuses_what_is_no_hex(string message)
    {
        var exception = Assert.Throws<UserErrorException>(() => new PayloadText(hex: true).Read(message));

        Assert.Contains($"'{message}' is not hexadecimal", exception.Message, StringComparison.Ordinal);
    }
}
