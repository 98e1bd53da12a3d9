using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Destinations;

/// <summary>
/// Each destination against an independent implementation of its service, through the role of the destination, with signatures,
/// permissions and the role's trust checked.
/// </summary>
public sealed class DestinationsOnMotoTests(MotoServer moto) : IClassFixture<MotoServer>
{
    private const string Account = "123456789012";

    [RequiresMotoFact]
    public async Task Fills_a_queue()
    {
        var url = await CreateQueueAsync("standard");

        await DeliverAsync($"arn:aws:sqs:us-west-2:{Account}:standard", 12, new DestinationArguments { Sqs = new SqsArguments { UseMessageAttributes = true } });

        var messages = await ReceiveAsync(url, 12);
        Assert.Equal(DestinationUnderTest.Numbered(12), messages.Select(message => DataOf(Body(message))).Order(StringComparer.Ordinal));
        Assert.All(messages, message => Assert.Equal("198.51.100.7", message["MessageAttributes"]!["RemoteAddress"]!["StringValue"]!.GetValue<string>()));
    }

    [RequiresMotoFact]
    public async Task Fills_a_fifo_queue_in_order()
    {
        var url = await CreateQueueAsync("ordered.fifo", ("FifoQueue", "true"));
        var arguments = new DestinationArguments { Sqs = new SqsArguments { SendRaw = true, MessageGroupId = new KeyExpression("[0:1]", PayloadFormatter.Hex) } };

        await DeliverAsync($"arn:aws:sqs:us-west-2:{Account}:ordered.fifo", 12, arguments);

        var messages = await ReceiveAsync(url, 12);
        Assert.Equal(DestinationUnderTest.Numbered(12), messages.Select(Body));
        Assert.All(messages, message => Assert.Equal("70", message["Attributes"]!["MessageGroupId"]!.GetValue<string>()));
    }

    [RequiresMotoFact]
    public async Task Fills_a_dead_letter_queue_with_the_packets_that_failed()
    {
        var url = await CreateQueueAsync("dead");
        using var credentials = new DestinationCredentials(moto.Credentials, TestEnvironment.Region, moto.Url);
        using var connection = new AwsConnection(credentials.For(MotoServer.RoleArn, MotoServer.ExternalId, "listener"), TestEnvironment.Region, moto.Url);
        var queue = DestinationUnderTest.DeadLetters($"arn:aws:sqs:us-west-2:{Account}:dead", _ => connection);

        var outcome = await queue.SendAsync(DestinationUnderTest.Batch(DestinationUnderTest.Numbered(30)), [.. Enumerable.Range(8, 12).Select(packet => new FailedPacket(packet, "no \u0001 reason"))], CancellationToken.None);

        Assert.Equal((DeliveryResult.Delivered, 0), (outcome.Result, outcome.FailedPackets));
        var letters = (await ReceiveAsync(url, 12)).Select(message => JsonNode.Parse(Body(message))!).ToList();
        Assert.Equal(DestinationUnderTest.Numbered(20).Skip(8), letters.Select(letter => letter["Packet"]!["Data"]!.GetValue<string>()).Order(StringComparer.Ordinal));
        Assert.All(letters, letter => Assert.Equal("no \u0001 reason", letter["Reason"]!.GetValue<string>()));
    }

    [RequiresMotoFact]
    public async Task Publishes_to_a_topic()
    {
        var url = await CreateQueueAsync("subscriber");
        await SnsAsync($"Action=CreateTopic&Name=topic");
        await SnsAsync($"Action=Subscribe&TopicArn=arn:aws:sns:us-west-2:{Account}:topic&Protocol=sqs&Endpoint=arn:aws:sqs:us-west-2:{Account}:subscriber&Attributes.entry.1.key=RawMessageDelivery&Attributes.entry.1.value=true");

        await DeliverAsync($"arn:aws:sns:us-west-2:{Account}:topic", 12);

        Assert.Equal(DestinationUnderTest.Numbered(12), (await ReceiveAsync(url, 12)).Select(message => DataOf(Body(message))).Order(StringComparer.Ordinal));
    }

    [RequiresMotoFact]
    public async Task Puts_events_that_a_rule_matches()
    {
        var url = await CreateQueueAsync("events");
        await CallAsync("EventBridge", "events", "AWSEvents.PutRule", """{"Name":"packets","EventPattern":"{\"source\":[\"proxylity\"],\"detail-type\":[\"udp-gateway-packet-ingress\"]}"}""");
        await CallAsync("EventBridge", "events", "AWSEvents.PutTargets", $$"""{"Rule":"packets","Targets":[{"Id":"1","Arn":"arn:aws:sqs:us-west-2:{{Account}}:events"}]}""");

        await DeliverAsync($"arn:aws:events:us-west-2:{Account}:event-bus/default", 3);

        var events = (await ReceiveAsync(url, 3)).Select(message => JsonNode.Parse(Body(message))!).ToList();
        Assert.Equal(DestinationUnderTest.Numbered(3), events.Select(item => item["detail"]!["Data"]!.GetValue<string>()).Order(StringComparer.Ordinal));
        Assert.All(events, item => Assert.Equal("proxylity", item["source"]!.GetValue<string>()));
    }

    [RequiresMotoFact]
    public async Task Fills_a_stream()
    {
        await CallAsync("Kinesis", "kinesis", "Kinesis_20131202.CreateStream", """{"StreamName":"stream","ShardCount":1}""");

        await DeliverAsync($"arn:aws:kinesis:us-west-2:{Account}:stream/stream", 501, new DestinationArguments { Kinesis = new KinesisArguments { PartitionKey = new KeyExpression("[0:1]", PayloadFormatter.Hex) } });

        var shard = (await CallAsync("Kinesis", "kinesis", "Kinesis_20131202.ListShards", """{"StreamName":"stream"}"""))["Shards"]![0]!["ShardId"]!.GetValue<string>();
        var iterator = await CallAsync("Kinesis", "kinesis", "Kinesis_20131202.GetShardIterator", $$"""{"StreamName":"stream","ShardId":"{{shard}}","ShardIteratorType":"TRIM_HORIZON"}""");
        var answer = await CallAsync("Kinesis", "kinesis", "Kinesis_20131202.GetRecords", new JsonObject { ["ShardIterator"] = iterator["ShardIterator"]!.GetValue<string>() }.ToJsonString());
        Assert.Equal(DestinationUnderTest.Numbered(501), answer["Records"]!.AsArray().Select(record => DataOf(Encoding.UTF8.GetString(Convert.FromBase64String(record!["Data"]!.GetValue<string>())))));
        Assert.All(answer["Records"]!.AsArray(), record => Assert.Equal("70", record!["PartitionKey"]!.GetValue<string>()));
    }

    [RequiresMotoFact]
    public async Task Fills_a_delivery_stream_with_lines()
    {
        await S3Async(HttpMethod.Put, "/firehose-bucket");
        await CallAsync("Firehose", "firehose", "Firehose_20150804.CreateDeliveryStream", $$$"""
            {"DeliveryStreamName":"delivery","DeliveryStreamType":"DirectPut","ExtendedS3DestinationConfiguration":{"RoleARN":"{{{MotoServer.RoleArn}}}","BucketARN":"arn:aws:s3:::firehose-bucket"}}
            """);

        await DeliverAsync($"arn:aws:firehose:us-west-2:{Account}:deliverystream/delivery", 12);

        var lines = await ReadObjectsAsync("firehose-bucket");
        Assert.Equal(DestinationUnderTest.Numbered(12), lines.Select(DataOf));
    }

    [RequiresMotoFact]
    public async Task Writes_an_object_for_each_batch()
    {
        await S3Async(HttpMethod.Put, "/archive-bucket");

        await DeliverAsync("arn:aws:s3:::archive-bucket/fleet=1/packets/", 12);

        Assert.Equal(DestinationUnderTest.Numbered(12), (await ReadObjectsAsync("archive-bucket")).Select(DataOf));
        Assert.Contains("<Key>fleet=1/packets/2026/04/14/17/", await S3Async(HttpMethod.Get, "/archive-bucket"), StringComparison.Ordinal);
    }

    [RequiresMotoFact]
    public async Task Writes_text_to_a_log_group_that_it_makes_if_need_be()
    {
        // moto, like the service, refuses events of another day's time range, so these are of today.
        await DeliverAsync($"arn:aws:logs:us-west-2:{Account}:log-group:/fleet/syslog:*", 3, formatter: PayloadFormatter.Base64, receivedAt: DateTimeOffset.UtcNow);

        var streams = await CallAsync("CloudWatch Logs", "logs", "Logs_20140328.DescribeLogStreams", """{"logGroupName":"/fleet/syslog"}""");
        var stream = Assert.Single(streams["logStreams"]!.AsArray())!["logStreamName"]!.GetValue<string>();
        Assert.StartsWith("listener/Archive/", stream, StringComparison.Ordinal);
        var events = await CallAsync("CloudWatch Logs", "logs", "Logs_20140328.GetLogEvents", $$"""{"logGroupName":"/fleet/syslog","logStreamName":"{{stream}}","startFromHead":true}""");
        Assert.Equal(DestinationUnderTest.Numbered(3), events["events"]!.AsArray().Select(item => item!["message"]!.GetValue<string>()));
    }

    [RequiresMotoFact]
    public async Task Puts_an_item_for_each_packet()
    {
        await CallAsync("DynamoDB", "dynamodb", "DynamoDB_20120810.CreateTable", """
            {"TableName":"packets","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"flow","KeyType":"HASH"},{"AttributeName":"at","KeyType":"RANGE"}],
             "AttributeDefinitions":[{"AttributeName":"flow","AttributeType":"S"},{"AttributeName":"at","AttributeType":"S"}]}
            """, "1.0");

        await DeliverAsync($"arn:aws:dynamodb:us-west-2:{Account}:table/packets", 26);

        var items = (await CallAsync("DynamoDB", "dynamodb", "DynamoDB_20120810.Scan", """{"TableName":"packets"}""", "1.0"))["Items"]!.AsArray();
        Assert.Equal(DestinationUnderTest.Numbered(26), items.Select(item => item!["Data"]!["S"]!.GetValue<string>()).Order(StringComparer.Ordinal));
        Assert.Contains(items, item => item!["flow"]!["S"]!.GetValue<string>() == "198.51.100.7:40000|udp.example.com:2061" && item["at"]!["S"]!.GetValue<string>().StartsWith("2026-04-14T17:03:22.123Z#", StringComparison.Ordinal));
    }

    [RequiresMotoFact]
    public async Task Starts_an_execution_for_each_batch()
    {
        var definition = """{"StartAt":"Done","States":{"Done":{"Type":"Succeed"}}}""";
        var input = new JsonObject { ["name"] = "archive", ["definition"] = definition, ["roleArn"] = MotoServer.RoleArn }.ToJsonString();
        var machine = (await CallAsync("SFN", "states", "AWSStepFunctions.CreateStateMachine", input, "1.0"))["stateMachineArn"]!.GetValue<string>();

        await DeliverAsync(machine, 3);

        var executions = await CallAsync("SFN", "states", "AWSStepFunctions.ListExecutions", $$"""{"stateMachineArn":"{{machine}}"}""", "1.0");
        var execution = Assert.Single(executions["executions"]!.AsArray())!["executionArn"]!.GetValue<string>();
        var started = await CallAsync("SFN", "states", "AWSStepFunctions.DescribeExecution", $$"""{"executionArn":"{{execution}}"}""", "1.0");
        Assert.Equal(DestinationUnderTest.Numbered(3), JsonNode.Parse(started["input"]!.GetValue<string>())!["Messages"]!.AsArray().Select(message => message!["Data"]!.GetValue<string>()));
    }

    [RequiresMotoFact]
    public async Task Fails_where_the_role_has_no_permission()
    {
        await CreateQueueAsync("forbidden");
        var destination = DestinationUnderTest.Create($"arn:aws:sqs:us-west-2:{Account}:forbidden", new DestinationArguments(), _ => new AwsConnection(moto.Credentials, TestEnvironment.Region, moto.Url));

        var outcome = await destination.DeliverAsync(DestinationUnderTest.Batch("a"), CancellationToken.None);

        Assert.Equal((DeliveryResult.Failed, 1, 0), (outcome.Result, outcome.FailedPackets, outcome.Retried));
        Assert.Contains("AccessDenied", outcome.Problem, StringComparison.Ordinal);
    }

    private async Task DeliverAsync(string arn, int packets, DestinationArguments? arguments = null, PayloadFormatter formatter = PayloadFormatter.Ascii, DateTimeOffset? receivedAt = null)
    {
        using var credentials = new DestinationCredentials(moto.Credentials, TestEnvironment.Region, moto.Url);
        using var connection = new AwsConnection(credentials.For(MotoServer.RoleArn, MotoServer.ExternalId, "listener"), TestEnvironment.Region, moto.Url);
        var destination = DestinationUnderTest.Create(arn, arguments ?? new DestinationArguments(), _ => connection, formatter);

        var outcome = await destination.DeliverAsync(DestinationUnderTest.Batch(receivedAt ?? DestinationUnderTest.ReceivedAt, DestinationUnderTest.Numbered(packets)), CancellationToken.None);

        Assert.Equal((DeliveryResult.Delivered, null), (outcome.Result, outcome.Problem));
    }

    private async Task<string> CreateQueueAsync(string name, params (string Name, string Value)[] attributes)
    {
        var input = new JsonObject { ["QueueName"] = name, ["Attributes"] = new JsonObject(attributes.Select(attribute => KeyValuePair.Create(attribute.Name, (JsonNode?)attribute.Value))) };
        return (await CallAsync("SQS", "sqs", "AmazonSQS.CreateQueue", input.ToJsonString(), "1.0"))["QueueUrl"]!.GetValue<string>();
    }

    private async Task<List<JsonNode>> ReceiveAsync(string queueUrl, int count)
    {
        var messages = new List<JsonNode>();
        var input = new JsonObject { ["QueueUrl"] = queueUrl, ["MaxNumberOfMessages"] = 10, ["AttributeNames"] = new JsonArray("All"), ["MessageAttributeNames"] = new JsonArray("All") }.ToJsonString();
        while (messages.Count < count)
        {
            var received = (await CallAsync("SQS", "sqs", "AmazonSQS.ReceiveMessage", input, "1.0"))["Messages"]?.AsArray();
            Assert.True(received is { Count: > 0 }, $"The queue holds {messages.Count} messages, not {count}.");
            foreach (var message in received)
            {
                messages.Add(message!);
                var delete = new JsonObject { ["QueueUrl"] = queueUrl, ["ReceiptHandle"] = message!["ReceiptHandle"]!.GetValue<string>() };
                await CallAsync("SQS", "sqs", "AmazonSQS.DeleteMessage", delete.ToJsonString(), "1.0");
            }
        }

        return messages;
    }

    private static string Body(JsonNode message) => message["Body"]!.GetValue<string>();

    private static string DataOf(string packet) => JsonNode.Parse(packet)!["Data"]!.GetValue<string>();

    private async Task<JsonNode> CallAsync(string service, string name, string target, string json, string version = "1.1")
    {
        var answer = await SendAsync(service, name, HttpMethod.Post, "/", AwsJson.Headers(target, version), json);
        return answer.Length == 0 ? new JsonObject() : JsonNode.Parse(answer)!;
    }

    private Task<string> SnsAsync(string form) => SendAsync("SNS", "sns", HttpMethod.Post, "/", [new("Content-Type", "application/x-www-form-urlencoded")], form + "&Version=2010-03-31");

    // Where no other region is asked for, a bucket is made in this one; moto finds it from everywhere.
    private Task<string> S3Async(HttpMethod method, string path) => SendAsync("S3", "s3", method, path, [], "", "us-east-1");

    private async Task<List<string>> ReadObjectsAsync(string bucket)
    {
        var listing = System.Xml.Linq.XDocument.Parse(await S3Async(HttpMethod.Get, $"/{bucket}"));
        var lines = new List<string>();
        foreach (var key in listing.Descendants().Where(element => element.Name.LocalName == "Key"))
            lines.AddRange((await S3Async(HttpMethod.Get, $"/{bucket}/{key.Value}")).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        return lines;
    }

    private async Task<string> SendAsync(string service, string name, HttpMethod method, string path, List<KeyValuePair<string, string>> headers, string body, string region = TestEnvironment.Region)
    {
        using var client = new AwsServiceClient(new AwsService(service, name, name), moto.Administrator, new AwsClientSettings(region) { ServiceUrl = moto.Url });
        var response = await client.SendAsync(new AdministratorCall { Method = method, Path = path, Headers = headers, Body = Encoding.UTF8.GetBytes(body) }, CancellationToken.None);
        return Encoding.UTF8.GetString(response.Body.Span);
    }

    private sealed class AdministratorCall : AwsRequest;
}
