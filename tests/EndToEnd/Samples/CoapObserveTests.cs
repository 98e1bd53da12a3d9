using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Samples;

/// <summary>The same conversation, with the observers in the function's memory and in a table.</summary>
public sealed partial class CoapObserveTests : IDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };

    public void Dispose() => _http.Dispose();

    [Boto3Fact]
    public async Task Observers_are_notified_until_they_cancel_without_an_aws_account()
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, Repository.Sample("coap-observe"), "--parameter-overrides", "KeepObserversIn=memory");

        await ObserveAsync(stack);
    }

    [MotoFact]
    public async Task Observers_are_notified_until_they_cancel_with_a_table()
    {
        using var workspace = new Workspace();
        await using var moto = await Moto.StartAsync();
        await using var stack = await RunningStack.UpAsync(workspace, Repository.Sample("coap-observe"), new Dictionary<string, string> { ["AWS_ENDPOINT_URL"] = moto.Url.ToString() });
        await moto.RunAsync("observers_at_moto.py", stack.Document.Outputs["TableName"]);

        await ObserveAsync(stack);
    }

    [Boto3Fact]
    public async Task Who_confirms_no_notification_gets_three()
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, Repository.Sample("coap-observe"), "--parameter-overrides", "KeepObserversIn=memory");
        using var client = new CoapClient(stack.Endpoint);
        await client.RequestAsync("0.01", "/time", [1], observe: 0);

        for (var notification = 0; notification < 3; notification++)
        {
            Assert.Equal(1, await NotifyAsync(stack));
            await client.ReceiveAsync();
        }

        Assert.Equal(0, await NotifyAsync(stack));
    }

    [Fact]
    public async Task What_the_server_does_not_have_or_understand_is_refused_by_the_code_for_it()
    {
        using var workspace = new Workspace();
        await using var stack = await RunningStack.UpAsync(workspace, Repository.Sample("coap-observe"), "--parameter-overrides", "KeepObserversIn=memory");
        using var client = new CoapClient(stack.Endpoint);

        var links = await client.RequestAsync("0.01", "/.well-known/core", [7, 7]);
        Assert.Equal(("2.05", "</time>;obs;rt=\"time\";ct=0"), (links.Code, links.Payload));
        Assert.Equal((12, "28"), links.Options.Select(option => (option.Number, Convert.ToHexString(option.Value))).Single());
        Assert.Equal("4.04", (await client.RequestAsync("0.01", "/date", [])).Code);
        Assert.Equal("4.05", (await client.RequestAsync("0.02", "/time", [1])).Code);
        Assert.Equal("4.06", (await client.RequestAsync("0.01", "/time", [1], more: (17, [50]))).Code);
        Assert.Equal("4.02", (await client.RequestAsync("0.01", "/time", [1], more: (21, [1]))).Code);

        // A ping, RFC 7252 §4.3.
        await client.SendAsync(new CoapDatagram(CoapDatagram.Confirmable, "0.00", 4711, [], [], ""));
        var pong = await client.ReceiveAsync();
        Assert.Equal((CoapDatagram.Reset, "0.00", (ushort)4711), (pong.Type, pong.Code, pong.MessageId));
    }

    private async Task ObserveAsync(RunningStack stack)
    {
        using var first = new CoapClient(stack.Endpoint);
        using var second = new CoapClient(stack.Endpoint);
        var answer = await first.RequestAsync("0.01", "/time", [1, 2], observe: 0);
        Assert.Equal("2.05", answer.Code);
        Assert.Matches(@"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", answer.Payload);
        // An empty token is one, too.
        var other = await second.RequestAsync("0.01", "/time", [], observe: 0);
        Assert.NotNull(other.ObserveNumber);

        var number = answer.ObserveNumber!.Value;
        for (var round = 0; round < 3; round++)
        {
            Assert.Equal(2, await NotifyAsync(stack));
            var notification = await first.ReceiveAsync();
            Assert.Equal((CoapDatagram.Confirmable, "2.05", "0102"), (notification.Type, notification.Code, Convert.ToHexString(notification.Token)));
            Assert.True(IsNewer(notification.ObserveNumber!.Value, number), $"{notification.ObserveNumber} after {number}");
            number = notification.ObserveNumber!.Value;
            await first.AnswerAsync(notification, CoapDatagram.Acknowledgement);
            var another = await second.ReceiveAsync();
            Assert.Empty(another.Token);
            await second.AnswerAsync(another, CoapDatagram.Acknowledgement);
        }

        // One cancels, the other no longer knows what this is about.
        Assert.Null((await first.RequestAsync("0.01", "/time", [1, 2], observe: 1)).ObserveNumber);
        Assert.Equal(1, await NotifyAsync(stack));
        await second.AnswerAsync(await second.ReceiveAsync(), CoapDatagram.Reset);
        // A question after the reset; deliveries keep their order.
        Assert.Null((await second.RequestAsync("0.01", "/time", [9])).ObserveNumber);
        Assert.Equal(0, await NotifyAsync(stack));
    }

    /// <summary>What the schedule does on AWS; returns how many observers were notified.</summary>
    private async Task<int> NotifyAsync(RunningStack stack)
    {
        var lambda = LambdaLine().Match(stack.Log).Groups["url"].Value;
        using var body = new StringContent("{}", Encoding.UTF8, "application/json");
        using var response = await _http.PostAsync(new Uri($"{lambda}/2015-03-31/functions/{stack.Document.Outputs["FunctionName"]}/invocations"), body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.False(response.Headers.Contains("X-Amz-Function-Error"), text);
        return (int)JsonNode.Parse(text)!["Notified"]!;
    }

    /// <summary>RFC 7641 §3.4, for notifications that are not minutes apart.</summary>
    private static bool IsNewer(uint number, uint former) => ((number - former) & 0xFF_FFFF) is > 0 and < 1 << 23;

    [GeneratedRegex(@"^Lambda: (?<url>\S+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LambdaLine();
}
