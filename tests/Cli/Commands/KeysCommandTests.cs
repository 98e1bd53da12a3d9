namespace UdpGateway.Cli.Tests.Commands;

public sealed class KeysCommandTests
{
    [Theory]
    [InlineData("new")]
    [InlineData("psk")]
    public async Task Prints_a_fresh_key_and_nothing_else(string verb)
    {
        var first = await CommandRun.Of("keys", verb);
        var second = await CommandRun.Of("keys", verb);

        Assert.Equal((0, ""), (first.ExitCode, first.Error));
        Assert.Equal(32, Convert.FromBase64String(Assert.Single(first.OutputLines)).Length);
        Assert.NotEqual(first.Output, second.Output);
    }

    [Fact]
    public async Task A_new_private_key_is_clamped()
    {
        var run = await CommandRun.Of("keys", "new");

        var key = Convert.FromBase64String(run.Output);
        Assert.Equal(0, key[0] & 7);
        Assert.Equal(0x40, key[31] & 0xc0);
    }

    /// <summary>The pair is what <c>wg pubkey</c> of wireguard-tools makes of the private key.</summary>
    [Theory]
    [InlineData("\n")]
    [InlineData("")]
    [InlineData("  \r\n")]
    public async Task Prints_the_public_key_of_the_private_key_on_standard_input(string lineEnd)
    {
        var run = await WithInputAsync("yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=" + lineEnd, "public");

        Assert.Equal((0, "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=\n", ""), (run.ExitCode, run.Output, run.Error));
    }

    [Theory]
    [InlineData("")]
    [InlineData("c2hvcnQ=\n")]
    [InlineData("this is no base64 but it has a secret look\n")]
    public async Task Refuses_an_input_that_is_no_key_without_repeating_it(string input)
    {
        var run = await WithInputAsync(input, "public");

        Assert.Equal((1, ""), (run.ExitCode, run.Output));
        Assert.StartsWith("Standard input holds no private key", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret look", run.Error, StringComparison.Ordinal);
    }

    private static async Task<CommandRun> WithInputAsync(string input, string verb)
    {
        var standardInput = Console.In;
        using var reader = new StringReader(input);
        Console.SetIn(reader);
        try
        {
            return await CommandRun.Of("keys", verb);
        }
        finally
        {
            Console.SetIn(standardInput);
        }
    }
}
