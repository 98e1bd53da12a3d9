using UdpGateway.Cli.Tests.Templates;

namespace UdpGateway.Cli.Tests.Commands;

public sealed class UpCommandTests : IDisposable
{
    private const string Listener = """
        Resources:
          Listener:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: x
              Protocols: [udp]
              Destinations: [{Name: d, DestinationArn: "arn:aws:lambda:us-west-2:123456789012:function:f", Role: "arn:aws:iam::123456789012:role/r"}]
        """;

    private readonly TemplateText _text = new();

    private string State => Path.Combine(_text.Folder, "state");

    public void Dispose() => _text.Dispose();

    [Theory]
    [InlineData("--bind mars", "--bind takes an IP address; 'mars' is none.")]
    [InlineData("--bind 192.0.2.1", "--bind 192.0.2.1 cannot be used: this machine has no such address.")]
    [InlineData("--port Listener=0", "--port Listener=0: a port is a number from 1 to 65535.")]
    [InlineData("--port Listner=5000", "--port: The template has no listener 'Listner'. Did you mean 'Listener'?")]
    [InlineData("--admin-port 70000", "--admin-port takes 0 to 65535; 70000 was given.")]
    [InlineData("--secret key", "--secret takes NAME=FILE; 'key' has no '='.")]
    public async Task Refuses_a_wrong_option_before_anything_starts(string options, string sentence)
    {
        var file = _text.Write("template.yaml", Listener);

        var run = await CommandRun.Of(["up", file, "--state", State, .. options.Split(' ')]);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal(sentence, run.Error.Trim());
        Assert.False(Directory.Exists(State));
    }

    [Fact]
    public async Task Refuses_a_wrong_template_without_leaving_a_directory()
    {
        var file = _text.Write("template.yaml", Listener.Replace("[udp]", "[tcp]", StringComparison.Ordinal));

        var run = await CommandRun.Of("up", file, "--state", State);

        Assert.Equal(1, run.ExitCode);
        Assert.StartsWith($"{file}:6: Resources.Listener.Properties.Protocols", run.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(State));
    }

    [Fact]
    public async Task Refuses_a_destination_whose_function_cannot_run_here()
    {
        var file = _text.Write("template.yaml", Listener.Replace("\"arn:aws:lambda:us-west-2:123456789012:function:f\"", "!GetAtt Go.Arn", StringComparison.Ordinal) + """

              Go: {Type: "AWS::Lambda::Function", Properties: {Runtime: java21, Handler: h, Code: {ZipFile: x}}}
            """);

        var run = await CommandRun.Of("up", file, "--state", State);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal($"{file}:8: Resources.Go: The runtime java21 is not run here; python3.*, nodejs*, dotnet*, provided.* are.", run.Error.Trim());
    }

    [Fact]
    public async Task Down_says_that_there_is_nothing_to_delete()
    {
        var run = await CommandRun.Of("down", "--state", State);

        Assert.Equal(1, run.ExitCode);
        Assert.Equal($"{State} holds no stack; --state names the directory that `up` was given.", run.Error.Trim());
    }
}
