using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Tests.PacketSources;

/// <summary>
/// Two gateway processes of one fleet, a topic and a queue: the message is taken by the task that has no session with the client, and
/// leaves through the other.
/// </summary>
public sealed class TwoTasksTests(MotoServer moto) : IClassFixture<MotoServer>
{
    private const string Topic = "arn:aws:sns:us-west-2:123456789012:push";

    [RequiresMotoFact]
    public async Task A_task_without_the_session_relays_once_and_counts_what_nobody_has()
    {
        var queueUrl = await CreateSubscribedQueueAsync();
        var privateKey = WireGuardTestKeys.NewPrivateKey();
        var fleetKey = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        var (port, relay1, relay2) = (TestGateway.FreePort(), FreeTcpPort(), FreeTcpPort());
        // Only the second task receives, so that what arrives was relayed.
        await using var holder = await TaskProcess.StartAsync(moto, "127.0.0.1", port, privateKey, fleetKey, relay1, $"127.0.0.1:{relay2}", queueUrl: null);
        await using var receiver = await TaskProcess.StartAsync(moto, "127.0.0.2", port, privateKey, fleetKey, relay2, $"127.0.0.1:{relay1}", queueUrl);
        using var client = new WireGuardTestClient(port, WireGuardTestKeys.PublicKeyOf(privateKey));
        client.Send("hello"u8);
        await Eventually.TrueAsync(async () =>
        {
            await client.ReceiveAsync(TimeSpan.FromMilliseconds(50));
            return await holder.MetricAsync("""udpgw_peers{listener="fleet",state="confirmed"}""") == 1;
        }, "the client has a session with the first task");

        await PublishAsync("pushed", client.PublicKey, "us-west-2");
        var received = await client.ReceiveAsync();
        await PublishAsync("elsewhere", client.PublicKey, "eu-west-1");
        await PublishAsync("nobody", WireGuardTestKeys.PublicKeyOf(WireGuardTestKeys.NewPrivateKey()), "us-west-2");
        await Eventually.TrueAsync(async () => await receiver.MetricAsync("""udpgw_drops_total{listener="fleet",reason="no_session"}""") == 1, "both tasks declined");

        Assert.Equal("pushed", Encoding.ASCII.GetString(received!));
        Assert.Equal(1, await holder.MetricAsync("""udpgw_pushed_packets_total{listener="fleet",result="sent"}"""));
        Assert.Equal(1, await receiver.MetricAsync("""udpgw_pushed_packets_total{listener="fleet",result="relayed"}"""));
        Assert.Equal(0, await receiver.MetricAsync("""udpgw_pushed_packets_total{listener="fleet",result="sent"}"""));
        await Eventually.TrueAsync(async () => await CountMessagesAsync(queueUrl) == 0, "handled messages are deleted");

        using var http = new HttpClient();
        using var forged = await http.PostAsync(new Uri($"http://127.0.0.1:{relay1}/relay"), new StringContent("""{"Listener":"fleet","Messages":[]}"""));
        Assert.Equal(HttpStatusCode.Forbidden, forged.StatusCode);
    }

    private async Task<string> CreateSubscribedQueueAsync()
    {
        var url = (await CallAsync("SQS", "sqs", AwsJson.Headers("AmazonSQS.CreateQueue", "1.0"), """{"QueueName":"udpgw-source-test"}""", answer => JsonNode.Parse(answer)!["QueueUrl"]!.GetValue<string>()))!;
        await SnsAsync("Action=CreateTopic&Name=push");
        await SnsAsync($"Action=Subscribe&TopicArn={Topic}&Protocol=sqs&Endpoint=arn:aws:sqs:us-west-2:123456789012:udpgw-source-test&Attributes.entry.1.key=FilterPolicy&Attributes.entry.1.value={Uri.EscapeDataString("""{"EgressRegion":["us-west-2"]}""")}");
        return url;
    }

    private async Task PublishAsync(string text, string peerKey, string region)
    {
        var message = JsonSerializer.Serialize(new { Messages = new[] { new { Data = text, Formatter = "utf8", Remote = new { Address = "192.0.2.1", Port = 1, PeerKey = peerKey } } } });
        await SnsAsync($"Action=Publish&TopicArn={Topic}&Message={Uri.EscapeDataString(message)}&MessageAttributes.entry.1.Name=EgressRegion&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue={region}");
    }

    private async Task<int> CountMessagesAsync(string queueUrl) => await CallAsync(
        "SQS", "sqs", AwsJson.Headers("AmazonSQS.GetQueueAttributes", "1.0"),
        $$"""{"QueueUrl":"{{queueUrl}}","AttributeNames":["ApproximateNumberOfMessages","ApproximateNumberOfMessagesNotVisible"]}""",
        answer => JsonNode.Parse(answer)!["Attributes"]!.AsObject().Sum(attribute => int.Parse(attribute.Value!.GetValue<string>(), CultureInfo.InvariantCulture)));

    private Task<string> SnsAsync(string form) => CallAsync("SNS", "sns", [new("Content-Type", "application/x-www-form-urlencoded")], form + "&Version=2010-03-31", answer => answer);

    private async Task<T> CallAsync<T>(string service, string name, List<KeyValuePair<string, string>> headers, string body, Func<string, T> read)
    {
        using var client = new AwsServiceClient(new AwsService(service, name, name), moto.Administrator, new AwsClientSettings(TestEnvironment.Region) { ServiceUrl = moto.Url });
        var response = await client.SendAsync(new AdministratorCall { Method = HttpMethod.Post, Headers = headers, Body = Encoding.UTF8.GetBytes(body) }, CancellationToken.None);
        return read(Encoding.UTF8.GetString(response.Body.Span));
    }

    private static int FreeTcpPort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private sealed class AdministratorCall : AwsRequest;

    /// <summary>The gateway program with a store of its own.</summary>
    private sealed class TaskProcess : IAsyncDisposable
    {
        private static readonly HttpClient Http = new();

        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("udpgw-task-tests-");
        private readonly StringBuilder _log = new();
        private readonly int _adminPort = FreeTcpPort();
        private Process _process = null!;

        public static async Task<TaskProcess> StartAsync(
            MotoServer moto, string address, int port, byte[] privateKey, string fleetKey, int relayPort, string relayPeer, string? queueUrl)
        {
            var task = new TaskProcess();
            await task.WriteStoreAsync(port, privateKey, fleetKey, queueUrl);
            await task.StartAsync(moto, address, relayPort, relayPeer);
            return task;
        }

        public async Task<double> MetricAsync(string series)
        {
            var text = await Http.GetStringAsync(new Uri($"http://127.0.0.1:{_adminPort}/metrics"));
            var line = text.Split('\n').FirstOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal));
            return line is null ? 0 : double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture);
        }

        public async ValueTask DisposeAsync()
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
            _process.Dispose();
            _directory.Delete(recursive: true);
        }

        private async Task WriteStoreAsync(int port, byte[] privateKey, string fleetKey, string? queueUrl)
        {
            using var store = new EmbeddedStore(_directory.FullName);
            await store.WriteAsync("fleet-key", fleetKey, CancellationToken.None);
            await store.WriteAsync("listener", JsonSerializer.Serialize(new { PrivateKey = Convert.ToBase64String(privateKey) }), CancellationToken.None);
            var listener = new ListenerRecord
            {
                PhysicalResourceId = "fleet",
                StackId = MotoServer.ExternalId,
                LogicalResourceId = "Listener",
                Definition = TestGateway.Udp(TestGateway.Destination() with { Arns = new Dictionary<string, string>() }) with { Name = "fleet", Protocol = ListenerProtocol.WireGuard, AllowUnknownPeers = true },
                Port = port,
                WireGuardPublicKey = WireGuardTestKeys.PublicKeyOf(privateKey),
                SecretId = "listener",
                RequestId = "1",
            };
            Assert.True(await store.TryWriteAsync(listener, 0, CancellationToken.None));
            if (queueUrl is null)
                return;
            var source = new PacketSourceRecord { PhysicalResourceId = "fleet/source", StackId = MotoServer.ExternalId, LogicalResourceId = "Source", ListenerName = "fleet", TopicArn = Topic, QueueUrl = queueUrl, RequestId = "1" };
            Assert.True(await store.TryWriteAsync(source, 0, CancellationToken.None));
        }

        private async Task StartAsync(MotoServer moto, string address, int relayPort, string relayPeer)
        {
            var keys = await moto.Administrator.GetCredentialsAsync();
            var start = new ProcessStartInfo("dotnet",
            [
                typeof(GatewayHost).Assembly.Location, "--store", _directory.FullName, "--bind", address, "--admin-port", $"{_adminPort}", "--workers", OperatingSystem.IsLinux() ? "2" : "1",
                "--region", TestEnvironment.Region, "--drain-seconds", "1", "--relay-secret", "fleet-key", "--relay-bind", "127.0.0.1", "--relay-port", $"{relayPort}", "--relay-peers", relayPeer,
            ])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment = { ["AWS_ENDPOINT_URL"] = moto.Url.ToString(), ["AWS_ACCESS_KEY_ID"] = keys.AccessKey, ["AWS_SECRET_ACCESS_KEY"] = keys.SecretKey },
            };
            _process = Process.Start(start)!;
            _process.OutputDataReceived += Keep;
            _process.ErrorDataReceived += Keep;
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
            await Eventually.TrueAsync(IsReadyAsync, "the gateway is ready");
        }

        private async Task<bool> IsReadyAsync()
        {
            Assert.False(_process.HasExited, _log.ToString());
            try
            {
                using var answer = await Http.GetAsync(new Uri($"http://127.0.0.1:{_adminPort}/readyz/fleet"));
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }

        private void Keep(object sender, DataReceivedEventArgs line)
        {
            lock (_log)
                _log.AppendLine(line.Data);
        }
    }
}
