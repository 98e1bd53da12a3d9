using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Tests.TestDoubles;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway.Tests;

/// <summary>The gateway's program as a process of its own, following a DynamoDB table with keys in Secrets Manager.</summary>
public sealed partial class GatewayOnDynamoDbTests(MotoServer moto) : IClassFixture<MotoServer>
{
    [RequiresMotoFact]
    public async Task A_gateway_process_serves_what_the_table_says()
    {
        using var table = new MotoTable(moto);
        var store = new DynamoDbListenerStore(await table.ConnectAsync(), table.Name);
        using var secrets = new SecretsManagerSecretStore(moto.Administrator, TestEnvironment.Region, serviceUrl: moto.Url);
        await using var function = await StubService.StartAsync(EchoAsync);
        var privateKey = WireGuardTestKeys.NewPrivateKey();
        var secretId = $"udp-gateway/test-{Guid.NewGuid():N}";
        await secrets.WriteAsync(secretId, new JsonObject { ["PrivateKey"] = Convert.ToBase64String(privateKey) }.ToJsonString(), default);
        var record = new ListenerRecord
        {
            PhysicalResourceId = "test",
            StackId = MotoServer.ExternalId,
            LogicalResourceId = "Listener",
            Definition = TestGateway.Udp() with { Protocol = ListenerProtocol.WireGuard, AllowUnknownPeers = true },
            Port = TestGateway.FreePort(),
            WireGuardPublicKey = WireGuardTestKeys.PublicKeyOf(privateKey),
            SecretId = secretId,
            RequestId = "r",
        };

        using var process = Start(table.Name, function.Url, out var output, out var admin);
        try
        {
            Assert.True(await store.TryWriteAsync(record, 0, default));
            await ReadyAsync(admin, "test", true, output);
            using var client = new WireGuardTestClient(record.Port, record.WireGuardPublicKey);
            Assert.Equal("one"u8.ToArray(), await client.ExchangeAsync("one"u8.ToArray()));

            var plain = record with { PhysicalResourceId = "plain", Definition = TestGateway.Udp() with { Name = "plain" }, Port = TestGateway.FreePort(), WireGuardPublicKey = null, SecretId = null };
            Assert.True(await store.TryWriteAsync(plain, 0, default));
            await ReadyAsync(admin, "plain", true, output);
            using var udp = new UdpTestClient(plain.Port);
            Assert.Equal("two"u8.ToArray(), await udp.ExchangeAsync("two"));

            Assert.True(await store.TryDeleteAsync<ListenerRecord>("plain", 2, default));
            await ReadyAsync(admin, "plain", false, output);
            Assert.Equal("three"u8.ToArray(), await client.ExchangeAsync("three"u8.ToArray()));
            using var http = new HttpClient();
            var metrics = await http.GetStringAsync(new Uri(admin, "/metrics"));
            Assert.Contains("udpgw_packets_received_total", metrics, StringComparison.Ordinal);
            var key = Convert.ToBase64String(privateKey);
            foreach (var place in (string[])[await table.DumpAsync(), output.ToString(), metrics, await http.GetStringAsync(new Uri(admin, "/config"))])
                Assert.All([key.TrimEnd('='), key.Replace('+', '-').Replace('/', '_').TrimEnd('='), Convert.ToHexString(privateKey)], form => Assert.DoesNotContain(form, place, StringComparison.OrdinalIgnoreCase));

            Assert.Equal(0, Kill(process.Id, 15));
            await process.WaitForExitAsync(new CancellationTokenSource(Eventually.Patience).Token);
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }

    [RequiresMotoFact]
    public async Task A_listener_that_only_a_newer_version_can_read_stops_no_other()
    {
        using var table = new MotoTable(moto);
        var store = new DynamoDbListenerStore(await table.ConnectAsync(), table.Name);
        await using var function = await StubService.StartAsync(EchoAsync);
        using var process = Start(table.Name, function.Url, out var output, out var admin);
        Process? successor = null;
        try
        {
            var newer = await WriteAsync("newer");
            await ReadyAsync(admin, "newer", true, output);
            var content = JsonSerializer.Serialize<ResourceRecord>(newer, ListenerJson.Default.ResourceRecord);
            await table.OverwriteListenerAsync("newer", content.Replace("\"Protocol\": \"Udp\"", "\"Protocol\": \"Dtls\"", StringComparison.Ordinal));

            // Who serves it goes on as it was, and follows what else there is.
            var added = await WriteAsync("added");
            await ReadyAsync(admin, "added", true, output);
            using var client = new UdpTestClient(newer.Port);
            Assert.Equal("one"u8.ToArray(), await client.ExchangeAsync("one"));

            // Who comes later serves what it can, and says what it cannot.
            successor = Start(table.Name, function.Url, out var successorsOutput, out var successorsAdmin, "127.0.0.2");
            await ReadyAsync(successorsAdmin, "added", true, successorsOutput);
            await ReadyAsync(successorsAdmin, "newer", false, successorsOutput);
            using var http = new HttpClient();
            var failures = JsonNode.Parse(await http.GetStringAsync(new Uri(successorsAdmin, "/config")))!["Failures"]!.AsObject();
            Assert.Equal(["newer"], failures.Select(failure => failure.Key));
            Assert.StartsWith("The gateway cannot read the record of listener newer: ", failures["newer"]!.GetValue<string>(), StringComparison.Ordinal);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            successor?.Kill(entireProcessTree: true);
            successor?.Dispose();
        }

        async Task<ListenerRecord> WriteAsync(string name)
        {
            var record = new ListenerRecord
            {
                PhysicalResourceId = name,
                StackId = MotoServer.ExternalId,
                LogicalResourceId = name,
                Definition = TestGateway.Udp() with { Name = name },
                Port = TestGateway.FreePort(),
                RequestId = "r",
            };
            Assert.True(await store.TryWriteAsync(record, 0, default));
            return record;
        }
    }

    [Fact]
    public async Task A_table_without_a_name_is_a_mistake_that_the_program_names()
    {
        using var process = Process.Start(StartInfo(["--store", "dynamodb"]))!;

        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.Equal((1, "Say which table to follow: --table NAME."), (process.ExitCode, error.Trim()));
    }

    private Process Start(string tableName, Uri function, out StringBuilder output, out Uri admin, string bind = "127.0.0.1")
    {
        var port = FreeTcpPort();
        admin = new Uri($"http://127.0.0.1:{port}");
        var start = StartInfo(["--bind", bind, "--admin-port", $"{port}", "--workers", "1", "--drain-seconds", "1"]);
        var credentials = moto.Administrator.GetCredentials();
        start.Environment["UDPGW_STORE"] = "dynamodb";
        start.Environment["UDPGW_TABLE"] = tableName;
        start.Environment["AWS_REGION"] = TestEnvironment.Region;
        start.Environment["AWS_ENDPOINT_URL"] = moto.Url.AbsoluteUri;
        start.Environment["AWS_ENDPOINT_URL_LAMBDA"] = function.AbsoluteUri;
        start.Environment["AWS_ACCESS_KEY_ID"] = credentials.AccessKey;
        start.Environment["AWS_SECRET_ACCESS_KEY"] = credentials.SecretKey;
        var lines = output = new StringBuilder();
        var process = Process.Start(start)!;
        process.OutputDataReceived += Append;
        process.ErrorDataReceived += Append;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;

        void Append(object sender, DataReceivedEventArgs line)
        {
            lock (lines)
                lines.AppendLine(line.Data);
        }
    }

    private static ProcessStartInfo StartInfo(string[] arguments)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "UdpGateway.Gateway.dll");
        var start = new ProcessStartInfo("dotnet", [program, .. arguments]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["AWS_ACCESS_KEY_ID"] = "AKIDEXAMPLE";
        start.Environment["AWS_SECRET_ACCESS_KEY"] = "example";
        return start;
    }

    private static async Task ReadyAsync(Uri admin, string listener, bool isServed, StringBuilder output)
    {
        using var http = new HttpClient();
        var deadline = DateTime.UtcNow + Eventually.Patience;
        while (true)
        {
            try
            {
                using var response = await http.GetAsync(new Uri(admin, $"/readyz/{listener}"));
                if (response.IsSuccessStatusCode == isServed)
                    return;
            }
            catch (HttpRequestException)
            {
                // The process is still starting.
            }

            lock (output)
                Assert.True(DateTime.UtcNow < deadline, $"The gateway did not come so far: {output}");
            await Task.Delay(50);
        }
    }

    private static Task EchoAsync(Microsoft.AspNetCore.Http.HttpContext context, int number)
    {
        var messages = JsonNode.Parse(StubService.RequestOf(context).Body)!["Messages"]!.AsArray();
        var answer = new JsonObject { ["Replies"] = new JsonArray([.. messages.Select(packet => new JsonObject { ["Tag"] = packet!["Tag"]!.DeepClone(), ["Data"] = packet["Data"]!.DeepClone() })]) };
        return StubService.AnswerAsync(context, 200, answer.ToJsonString());
    }

    private static int FreeTcpPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Kill(int processId, int signal);
}
