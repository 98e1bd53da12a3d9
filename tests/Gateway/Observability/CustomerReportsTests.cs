using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Tests.TestDoubles;

namespace UdpGateway.Gateway.Tests.Observability;

public sealed class CustomerReportsTests(MotoServer moto) : IClassFixture<MotoServer>
{
    private const string Group = "/fleet/deliveries";

    [RequiresMotoFact]
    public async Task Metrics_and_errors_reach_the_owner_with_the_role_of_the_destination()
    {
        await CallAsync("CloudWatch Logs", "logs", AwsJson.Headers("Logs_20140328.CreateLogGroup", "1.1"), $$"""{"logGroupName":"{{Group}}"}""");
        using var credentials = new DestinationCredentials(moto.Credentials, TestEnvironment.Region, moto.Url);
        using var connection = new AwsConnection(credentials.For(MotoServer.RoleArn, MotoServer.ExternalId, "listener"), TestEnvironment.Region, moto.Url);
        await using var gateway = await TestGateway.StartAsync(configure: options => options with { MetricsNamespace = "Fleet" });
        gateway.CloudWatch = connection;
        var secret = Convert.ToBase64String("secret"u8);
        gateway.Lambda().Handler = messages => Task.FromResult(messages[0]!["Data"]!.GetValue<string>() != secret
            ? RecordingLambda.Echo(messages)
            : new InvokeResponse(200, "Unhandled", """{"errorType":"KeyError","errorMessage":"secret text"}"""u8.ToArray()));
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination() with { MetricsEnabled = true, LogGroupName = Group }));
        using var client = new UdpTestClient(record.Port);
        await client.ExchangeAsync("good");
        for (var index = 0; index < 3; index++)
            client.Send("secret");
        await gateway.Lambda().WaitForPacketsAsync(4);

        await gateway.Host.StopAsync();

        Assert.Equal(
            (4, 4 + (3 * 6), 1, 4, 3),
            (await SumAsync("IngressPackets"), await SumAsync("IngressBytes"), await SumAsync("EgressPackets"), await SumAsync("EgressBytes"), await SumAsync("DeliveryErrors")));
        var lines = await ReadLinesAsync();
        Assert.All(lines, line => Assert.Equal(
            ("ERROR", "function_error", "test", "Echo", "Unhandled KeyError"),
            (Text(line, "level"), Text(line, "event"), Text(line, "listener"), Text(line, "destination"), Text(line, "problem"))));
        Assert.DoesNotContain(lines, line => line.ToJsonString().Contains("secret", StringComparison.Ordinal));
        Assert.Equal(3, lines.Sum(line => line["batches"]!.GetValue<int>()));
    }

    [Fact]
    public async Task A_service_that_refuses_them_disturbs_nothing_and_is_mentioned_once()
    {
        await using var service = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 400, """{"__type":"AccessDeniedException","message":"no"}"""));
        using var connection = new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, service.Url);
        await using var gateway = await TestGateway.StartAsync();
        gateway.CloudWatch = connection;
        gateway.Lambda().Handler = _ => Task.FromResult(new InvokeResponse(200, "Unhandled", """{"errorType":"KeyError"}"""u8.ToArray()));
        var record = await gateway.ServeAsync(TestGateway.Udp(TestGateway.Destination() with { LogGroupName = Group, MetricsEnabled = true }));
        using var client = new UdpTestClient(record.Port);
        client.Send("1");
        await Eventually.TrueAsync(async () => await gateway.MetricAsync("""udpgw_reports_total{listener="test",destination="Echo",result="failed"}""") >= 1, "the first report failed");
        gateway.Lambda().Handler = messages => Task.FromResult(RecordingLambda.Echo(messages));

        Assert.Equal("2", Encoding.ASCII.GetString(await client.ExchangeAsync("2")));

        Assert.Single(gateway.LogLines, line => line.Contains("cannot be written to by PutLogEvents: ", StringComparison.Ordinal) && line.Contains("AccessDeniedException", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_is_said_again_before_it_is_written_is_one_line_with_a_count()
    {
        var recorder = new Lines();
        using var connection = new AwsConnection(recorder, TestEnvironment.Region);
        var log = new Gateway.Observability.CustomerLog(new CloudWatchLogsClient(connection), Group, "test", "Echo");
        var now = DateTimeOffset.UtcNow;
        for (var index = 0; index < 1000; index++)
            Assert.True(log.TryAdd("ERROR", "delivery_failed", "no", 1, 7, now));

        Assert.Equal((true, 0), await log.WriteAsync(CancellationToken.None));
        Assert.Equal((false, 0), await log.WriteAsync(CancellationToken.None));

        var put = JsonNode.Parse(Assert.Single(recorder.All))!;
        Assert.StartsWith("test/Echo/", put["logStreamName"]!.GetValue<string>(), StringComparison.Ordinal);
        var line = JsonNode.Parse(Assert.Single(put["logEvents"]!.AsArray())!["message"]!.GetValue<string>())!;
        Assert.Equal((1000, 7000), (line["batches"]!.GetValue<int>(), line["packets"]!.GetValue<int>()));
    }

    [Fact]
    public async Task A_stream_that_was_deleted_is_made_again_and_lines_do_not_wait_for_ever()
    {
        var deleted = false;
        await using var service = await StubService.StartAsync((context, _) =>
        {
            var isPut = StubService.RequestOf(context).Headers["X-Amz-Target"].EndsWith("PutLogEvents", StringComparison.Ordinal);
            return deleted && isPut ? StubService.AnswerAsync(context, 400, """{"__type":"ResourceNotFoundException"}""") : StubService.AnswerAsync(context, 200, "{}");
        });
        using var connection = new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, service.Url);
        var log = new Gateway.Observability.CustomerLog(new CloudWatchLogsClient(connection), Group, "test", "Echo");
        var now = DateTimeOffset.UtcNow;
        log.TryAdd("ERROR", "delivery_failed", "first", 1, 1, now);
        await log.WriteAsync(CancellationToken.None);
        log.TryAdd("ERROR", "delivery_failed", "second", 1, 1, now);
        deleted = true;
        await Assert.ThrowsAsync<AwsServiceException>(() => log.WriteAsync(CancellationToken.None));
        deleted = false;

        Assert.Equal(0, log.GiveUpBefore(now));
        Assert.Equal((true, 0), await log.WriteAsync(CancellationToken.None));

        Assert.Equal(
            ["CreateLogStream", "PutLogEvents", "PutLogEvents", "CreateLogStream", "PutLogEvents"],
            service.Requests.Select(request => request.Headers["X-Amz-Target"].Split('.')[1]));
        log.TryAdd("ERROR", "delivery_failed", "third", 1, 1, now);
        deleted = true;
        await Assert.ThrowsAsync<AwsServiceException>(() => log.WriteAsync(CancellationToken.None));
        Assert.Equal(1, log.GiveUpBefore(now.AddSeconds(1)));
        Assert.Equal((false, 0), await log.WriteAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Different_lines_are_bounded_in_number_and_length()
    {
        var recorder = new Lines();
        using var connection = new AwsConnection(recorder, TestEnvironment.Region);
        var log = new Gateway.Observability.CustomerLog(new CloudWatchLogsClient(connection), Group, "test", "Echo");

        var taken = Enumerable.Range(0, 1000).Count(index => log.TryAdd("ERROR", "delivery_failed", index + new string('€', 100_000), 1, 1, DateTimeOffset.UtcNow));
        await log.WriteAsync(CancellationToken.None);

        Assert.InRange(taken, 100, 999);
        Assert.InRange(Assert.Single(recorder.All).Length, 1, 1024 * 1024);
    }

    [Fact]
    public async Task A_minute_that_cannot_be_written_is_written_with_the_next()
    {
        var fails = true;
        await using var service = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, fails ? 500 : 200, "<PutMetricDataResponse/>"));
        using var connection = new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, service.Url);
        var metrics = new Gateway.Observability.CustomerMetrics(new CloudWatchClient(connection), "Fleet", [new("DestinationName", "Echo")]);
        var first = new DateTimeOffset(2026, 4, 14, 17, 3, 0, TimeSpan.Zero);
        metrics.Delivered(3, 300, isError: false, TimeSpan.FromMilliseconds(20));
        metrics.Delivered(5, 500, isError: true, TimeSpan.FromMilliseconds(40));
        Assert.Equal(0, metrics.EndMinute(first));
        await Assert.ThrowsAsync<AwsServiceException>(() => metrics.WriteAsync(CancellationToken.None));
        metrics.Delivered(1, 100, isError: false, TimeSpan.FromMilliseconds(1));
        Assert.Equal(0, metrics.EndMinute(first.AddMinutes(1)));
        fails = false;

        Assert.True(await metrics.WriteAsync(CancellationToken.None));

        var form = Uri.UnescapeDataString(Encoding.ASCII.GetString(service.Requests[^1].Body));
        Assert.Contains("&Namespace=Fleet&MetricData.member.1.MetricName=IngressPackets&MetricData.member.1.Dimensions.member.1.Name=DestinationName&MetricData.member.1.Dimensions.member.1.Value=Echo&MetricData.member.1.Timestamp=2026-04-14T17:03:00Z&", form, StringComparison.Ordinal);
        Assert.Contains("MetricName=BatchLatency&MetricData.member.6.Dimensions.member.1.Name=DestinationName&MetricData.member.6.Dimensions.member.1.Value=Echo&MetricData.member.6.Timestamp=2026-04-14T17:03:00Z&MetricData.member.6.Unit=Milliseconds&MetricData.member.6.StatisticValues.SampleCount=2&MetricData.member.6.StatisticValues.Sum=60&MetricData.member.6.StatisticValues.Minimum=20&MetricData.member.6.StatisticValues.Maximum=40", form, StringComparison.Ordinal);
        Assert.Contains("MetricData.member.12.Timestamp=2026-04-14T17:04:00Z", form, StringComparison.Ordinal);
        Assert.False(await metrics.WriteAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Minutes_are_given_up_when_they_cannot_be_written_for_long_and_quiet_ones_are_none()
    {
        await using var service = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200));
        using var connection = new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, service.Url);
        var metrics = new Gateway.Observability.CustomerMetrics(new CloudWatchClient(connection), "Fleet", []);
        var lost = 0;
        for (var minute = 0; minute < 20; minute++)
        {
            metrics.Replied(1, 10);
            lost += metrics.EndMinute(DateTimeOffset.UnixEpoch.AddMinutes(minute));
            lost += metrics.EndMinute(DateTimeOffset.UnixEpoch.AddMinutes(minute));
        }

        Assert.Equal(5, lost);
    }

    private async Task<double> SumAsync(string metric)
    {
        var now = DateTimeOffset.UtcNow;
        var answer = await CallAsync("CloudWatch", "monitoring", [new("Content-Type", "application/x-www-form-urlencoded")],
            $"Action=GetMetricStatistics&Version=2010-08-01&Namespace=Fleet&MetricName={metric}&StartTime={now.AddHours(-1):yyyy-MM-ddTHH:mm:ssZ}&EndTime={now.AddHours(1):yyyy-MM-ddTHH:mm:ssZ}&Period=60&Statistics.member.1=Sum"
            + "&Dimensions.member.1.Name=ListenerName&Dimensions.member.1.Value=test&Dimensions.member.2.Name=DestinationName&Dimensions.member.2.Value=Echo&Dimensions.member.3.Name=Region&Dimensions.member.3.Value=eu-central-1");
        return XDocument.Parse(answer).Descendants().Where(element => element.Name.LocalName == "Sum").Sum(element => (double)element);
    }

    private async Task<List<JsonNode>> ReadLinesAsync()
    {
        var streams = await CallAsync("CloudWatch Logs", "logs", AwsJson.Headers("Logs_20140328.DescribeLogStreams", "1.1"), $$"""{"logGroupName":"{{Group}}"}""");
        var stream = Assert.Single(JsonNode.Parse(streams)!["logStreams"]!.AsArray())!["logStreamName"]!.GetValue<string>();
        var events = await CallAsync("CloudWatch Logs", "logs", AwsJson.Headers("Logs_20140328.GetLogEvents", "1.1"), $$"""{"logGroupName":"{{Group}}","logStreamName":"{{stream}}","startFromHead":true}""");
        return [.. JsonNode.Parse(events)!["events"]!.AsArray().Select(line => JsonNode.Parse(line!["message"]!.GetValue<string>())!)];
    }

    private async Task<string> CallAsync(string service, string name, List<KeyValuePair<string, string>> headers, string body)
    {
        using var client = new AwsServiceClient(new AwsService(service, name, name), moto.Administrator, new AwsClientSettings(TestEnvironment.Region) { ServiceUrl = moto.Url });
        var response = await client.SendAsync(new AdministratorCall { Method = HttpMethod.Post, Headers = headers, Body = Encoding.UTF8.GetBytes(body) }, CancellationToken.None);
        return Encoding.UTF8.GetString(response.Body.Span);
    }

    private static string Text(JsonNode line, string name) => line[name]!.GetValue<string>();

    private sealed class AdministratorCall : AwsRequest;

    private sealed class Lines : IPayloadRecorder
    {
        public List<string> All { get; } = [];

        public void Record(ReadOnlySpan<byte> payload) => All.Add(Encoding.UTF8.GetString(payload));
    }
}
