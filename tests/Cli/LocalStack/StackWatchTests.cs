using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using UdpGateway.Cli.Client;
using UdpGateway.Cli.LocalStack;
using UdpGateway.Cli.Templates;
using UdpGateway.Cli.Tests.LocalLambda;
using UdpGateway.Cli.Tests.Templates;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.Tests.LocalStack;

/// <summary>Edits files under a running stack, as a person would, and asks it through the tunnel.</summary>
public sealed class StackWatchTests : IAsyncLifetime, IDisposable
{
    private const string Content = """
        Transform: AWS::Serverless-2016-10-31
        Resources:
          Role: {Type: "AWS::IAM::Role"}
          Echo:
            Type: AWS::Serverless::Function
            Properties: {Runtime: python3.12, Handler: app.handler, CodeUri: code, Timeout: 30, Environment: {Variables: {GREETING: hello}}}
          Listener:
            Type: Custom::ProxylityUdpGatewayListener
            Properties:
              ServiceToken: x
              Protocols: [wg]
              AllowUnknownPeers: true
              Destinations: [{Name: echo, Formatter: utf8, DestinationArn: !GetAtt Echo.Arn, Role: {Arn: !GetAtt Role.Arn}, Batching: {Count: 1}}]
          PortTeller:
            Type: AWS::Serverless::Function
            Properties: {Runtime: python3.12, Handler: index.handler, InlineCode: "import os\ndef handler(e, c): return os.environ['PORT']", Timeout: 30, Environment: {Variables: {PORT: !GetAtt Listener.Port}}}
        Outputs:
          Port: {Value: !GetAtt Listener.Port}

        """;

    private const string Code = """
        import os
        def handler(event, context):
            return {"Replies": [{"Tag": m["Tag"], "Data": os.environ["GREETING"] + " " + m["Data"]} for m in event["Messages"]]}
        """;

    private readonly TemplateText _text = new();
    private readonly ConcurrentQueue<string> _said = new();
    private readonly CancellationTokenSource _stopping = new();
    private StateDirectory _directory = null!;
    private RunningStack _stack = null!;
    private WireGuardChannel _client = null!;
    private Task _watching = Task.CompletedTask;
    private int _updates;

    public async Task InitializeAsync()
    {
        _text.Write("code/app.py", Code);
        _directory = StateDirectory.Open(Path.Combine(_text.Folder, "state"));
        var template = _text.LoadValid(Content);
        var state = new StackState { StackId = TemplateText.Settings.StackId, StackName = "sample", Region = "us-west-2", AccountId = "123456789012" };
        _stack = await RunningStack.StartAsync(template, _text.Problems, new RunSettings(), _directory, state, NullLoggerFactory.Instance, _said.Enqueue, default);
        var watch = new StackWatch(_stack, template, _directory.Path, Read, _ => Task.FromResult(++_updates), _said.Enqueue);
        _watching = watch.RunAsync(_stopping.Token);

        var listener = _stack.Listeners.Single().Record;
        Span<byte> privateKey = stackalloc byte[SecretKey.Size];
        WireGuardKeys.GeneratePrivateKey(privateKey);
        _client = new WireGuardChannel(new IPEndPoint(IPAddress.Loopback, listener.Port), new SecretKey(privateKey), Convert.FromBase64String(listener.WireGuardPublicKey!), null, TimeProvider.System);
    }

    public async Task DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching;
        _client.Dispose();
        await _stack.DisposeAsync();
        _directory.Store.Dispose();
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _text.Dispose();
    }

    [RequiresProgramFact("python3")]
    public async Task Runs_the_new_code_for_the_next_packet_of_the_same_session()
    {
        var before = await AskAsync("one");

        _text.Write("code/app.py", Code.Replace("\" \"", "\", dear \"", StringComparison.Ordinal));
        await SaidAsync("Echo: reloaded");
        var after = await AskAsync("two");

        Assert.Equal(("hello one", "hello, dear two"), (before, after));
        Assert.Contains("app.py changed: reloading Echo.", _said);
    }

    [RequiresProgramFact("python3")]
    public async Task Updates_a_listener_in_place_and_keeps_its_sessions()
    {
        await AskAsync("one");
        var port = _stack.Listeners.Single().Record.Port;

        _text.Write("template.yaml", Content.Replace("Count: 1", "Count: 2", StringComparison.Ordinal).Replace("GREETING: hello", "GREETING: moin", StringComparison.Ordinal));
        await SaidAsync("its port, its key and all sessions were kept.");

        Assert.Equal("moin two", await AskAsync("two"));
        Assert.Equal(port, _stack.Listeners.Single().Record.Port);
        Assert.Contains(_said, line => line.Contains("Echo: changed from the next invocation on.", StringComparison.Ordinal));
        Assert.Equal(1, _updates);
    }

    [RequiresProgramFact("python3")]
    public async Task Changes_the_peers_and_keeps_the_sessions_of_the_others()
    {
        const string Peer = "Peers: [{PublicKey: CCcCCcCCcCCcCCcCCcCCcCCcCCcCCcCCcCCcCCcCCcA=, AllowedIPs: [10.8.0.9/32, fd00:8::9/128]}]\n      ";
        await AskAsync("one");

        _text.Write("template.yaml", Content.Replace("Destinations:", $"{Peer}Destinations:", StringComparison.Ordinal));
        await SaidAsync("its port, its key and the sessions of peers that did not change were kept.");
        var between = await AskAsync("two");
        _text.Write("template.yaml", Content.Replace("Destinations:", $"{Peer}Description: again\n      Destinations:", StringComparison.Ordinal));
        await SaidAsync("its port, its key and all sessions were kept.");

        Assert.Equal(("hello two", "hello three"), (between, await AskAsync("three")));
    }

    [RequiresProgramFact("python3")]
    public async Task Says_what_is_wrong_and_goes_on_with_what_ran()
    {
        _text.Write("template.yaml", Content.Replace("[wg]", "[tcp]", StringComparison.Ordinal).Replace("GREETING: hello", "GREETING: moin", StringComparison.Ordinal));
        await SaidAsync("The template was not applied, and what ran before goes on:");
        var during = await AskAsync("one");
        _text.Write("template.yaml", Content.Replace("GREETING: hello", "GREETING: moin", StringComparison.Ordinal));
        await SaidAsync("The template is updated.");

        Assert.Equal(("hello one", "moin two"), (during, await AskAsync("two")));
        Assert.Contains(_said, line => line.Contains("template.yaml:11: Resources.Listener.Properties.Protocols", StringComparison.Ordinal));
    }

    [RequiresProgramFact("python3")]
    public async Task Rolls_back_when_the_provider_refuses()
    {
        using var holder = new System.Net.Sockets.UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        var taken = ((IPEndPoint)holder.Client.LocalEndPoint!).Port;
        var second = $"""
              Second:
                Type: Custom::ProxylityUdpGatewayListener
                Properties: {"{"}ServiceToken: x, Protocols: [udp], Port: {taken}, Destinations: [{"{"}Name: other, DestinationArn: !GetAtt Echo.Arn, Role: {"{"}Arn: !GetAtt Role.Arn{"}}]}"}
            Outputs:
            """;

        _text.Write("template.yaml", Content.Replace("Outputs:", second, StringComparison.Ordinal).Replace("GREETING: hello", "GREETING: moin", StringComparison.Ordinal));
        await SaidAsync("another program has it");

        Assert.Equal("hello one", await AskAsync("one"));
        Assert.Single(_stack.Listeners);
    }

    [RequiresProgramFact("python3")]
    public async Task Creates_replaces_and_deletes_what_the_template_says()
    {
        _text.Write("template.yaml", Content.Replace("Listener:\n", "Other:\n", StringComparison.Ordinal).Replace("Listener.Port", "Other.Port", StringComparison.Ordinal));
        await SaidAsync("Listener: deleted; nothing serves its port any more.");

        var other = _stack.Listeners.Single();
        Assert.Equal("Other", other.LogicalId);
        Assert.Equal(KeyValuePair.Create("Port", $"{other.Record.Port}"), _stack.Outputs.Single());
        Assert.Contains(_said, line => line.Contains($"Other: serves wg 127.0.0.1:{other.Record.Port} with the public key {other.Record.WireGuardPublicKey}.", StringComparison.Ordinal));
    }

    [RequiresProgramFact("python3")]
    public async Task Says_where_a_destination_delivers_that_another_resource_registers()
    {
        const string Route = """
              Route:
                Type: Custom::ProxylityUdpGatewayDestinationArn
                DependsOn: Listener
                Properties: {ServiceToken: x, Destination: echo, Arn: !GetAtt PortTeller.Arn}

            """;

        _text.Write("template.yaml", Content.Replace("Outputs:\n", $"{Route}Outputs:\n", StringComparison.Ordinal));
        await SaidAsync($"delivers what comes in us-west-2 to arn:aws:lambda:us-west-2:123456789012:function:{_stack.LocalFunctions.Single(function => function.LogicalId == "PortTeller").FunctionName} now.");
        _text.Write("template.yaml", Content);
        await SaidAsync("Route: deleted; it has no effect any more.");
    }

    [RequiresProgramFact("python3")]
    public void Gives_functions_the_ports_of_listeners() =>
        Assert.Equal($"{_stack.Listeners.Single().Record.Port}", _stack.LocalFunctions.Single(function => function.LogicalId == "PortTeller").Environment["PORT"]);

    private Template Read(ProblemList problems)
    {
        var template = Template.Load(Path.Combine(_text.Folder, "template.yaml"), TemplateText.Settings, problems);
        template?.Check();
        if (template is not null)
            DeclaredListeners.Check(template, problems);
        problems.ThrowIfAny();
        return template!;
    }

    private async Task<string> AskAsync(string text)
    {
        await _client.SendAsync(System.Text.Encoding.UTF8.GetBytes(text), isPacket: false, default);
        var reply = await _client.ReceiveAsync(TimeSpan.FromSeconds(60), default);
        return System.Text.Encoding.UTF8.GetString(reply!.Value.Span);
    }

    private Task SaidAsync(string sentence) =>
        RunningFunctions.UntilAsync(() => _said.Any(line => line.Contains(sentence, StringComparison.Ordinal)), $"\"{sentence}\" in: {string.Join(" | ", _said)}");
}
