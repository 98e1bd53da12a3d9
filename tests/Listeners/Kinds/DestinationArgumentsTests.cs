using System.Text.Json;
using UdpGateway.Listeners.Storage;
using static UdpGateway.Listeners.Tests.Binding.Declarations;

namespace UdpGateway.Listeners.Tests.Kinds;

public sealed class DestinationArgumentsTests
{
    private const string QueueArn = "\"arn:aws:sqs:us-west-2:123456789012:q.fifo\"";
    private const string TrackerArn = "\"arn:aws:geo:us-west-2:123456789012:tracker/fleet\"";
    private const string StreamArn = "\"arn:aws:kinesis:us-west-2:123456789012:stream/s\"";

    [Fact]
    public void Reads_the_arguments_of_a_queue()
    {
        var arguments = """{"SendRaw":"true","UseMessageAttributes":"TRUE","MessageGroupIdExpression":"[0:2]","MessageDeduplicationIdExpression":"[2:]","MessageDeduplicationIdFormatter":"utf8"}""";

        var bound = BindValid(Udp().With("Destinations[0].DestinationArn", QueueArn).With("Destinations[0].Arguments", arguments)).Destinations[0].Arguments;

        var expected = new SqsArguments
        {
            SendRaw = true,
            UseMessageAttributes = true,
            MessageGroupId = new KeyExpression("[0:2]", PayloadFormatter.Hex),
            MessageDeduplicationId = new KeyExpression("[2:]", PayloadFormatter.Utf8),
        };
        Assert.Equal(expected, bound.Sqs);
        Assert.Null(bound.Kinesis);
    }

    [Fact]
    public void Reads_how_a_function_is_invoked()
    {
        var arguments = """{"UseResponseStreaming":"true","TenantId":"","TenantIdExpression":"[0:4]","TenantIdFormatter":"utf8"}""";

        var bound = BindValid(Udp().With("Destinations[0].Arguments", arguments).With("Destinations[0].DeadLetterArn", QueueArn)).Destinations[0];

        Assert.True(bound.UseResponseStreaming);
        Assert.Equal(new LambdaArguments { TenantIdExpression = new KeyExpression("[0:4]", PayloadFormatter.Utf8) }, bound.Arguments.Lambda);
        Assert.Equal("arn:aws:sqs:us-west-2:123456789012:q.fifo", bound.DeadLetterArn);
    }

    [Theory]
    [InlineData("PartitionKeyFormatter")]
    [InlineData("PartitionKeyExpressionFormatter")]
    public void Reads_both_spellings_of_a_streams_formatter(string formatter)
    {
        var arguments = $$"""{"PartitionKeyExpression":"[0:1]","{{formatter}}":"ascii"}""";

        var bound = BindValid(Udp().With("Destinations[0].DestinationArn", StreamArn).With("Destinations[0].Arguments", arguments)).Destinations[0].Arguments;

        Assert.Equal(new KeyExpression("[0:1]", PayloadFormatter.Ascii), bound.Kinesis!.PartitionKey);
    }

    [Fact]
    public void Reads_the_arguments_of_every_kind_while_no_ARN_says_which()
    {
        var bound = BindValid(Udp().With("Destinations[0].DestinationArn", "{}").With("Destinations[0].Arguments", """{"SendRaw":true,"PartitionKeyExpression":"[0]"}""")).Destinations[0].Arguments;

        Assert.True(bound.Sqs!.SendRaw);
        Assert.Equal("[0]", bound.Kinesis!.PartitionKey!.Expression);
    }

    [Theory]
    [InlineData("Destinations[0].Arguments")]
    [InlineData("Destinations[0]")]
    public void Reads_the_topic_suffix_in_both_places(string place)
    {
        var declaration = Udp().With("Destinations[0].DestinationArn", "\"arn:aws:iot:us-west-2:123456789012:topic/fleet\"")
            .With($"{place}.DynamicTopicSuffix", "true").With($"{place}.TopicSuffixExpression", "\"[0]\"").With($"{place}.TopicSuffixFormatter", "\"ascii\"");

        var result = Bind(declaration);

        Assert.Empty(result.Warnings);
        Assert.Equal(new IotArguments { DynamicTopicSuffix = true, TopicSuffix = new KeyExpression("[0]", PayloadFormatter.Ascii) }, result.Definition!.Destinations[0].Arguments.Iot);
    }

    [Fact]
    public void Reads_the_arguments_of_a_tracker()
    {
        var arguments = """{"DeviceIdExpression":"[0:2]","LatitudeExpression":"i32le[2:6]","LongitudeExpression":"i32le[6:10]","ScaleFactor":"1e-7","PositionPropertyExpressions":{"speed":"u8[10]"}}""";

        var bound = BindValid(Udp().With("Destinations[0].DestinationArn", TrackerArn).With("Destinations[0].Arguments", arguments)).Destinations[0].Arguments.Location!;

        Assert.Equal(("[0:2]", "i32le[2:6]", "i32le[6:10]", 1e-7), (bound.DeviceId, bound.Latitude, bound.Longitude, bound.ScaleFactor));
        Assert.Equal("u8[10]", bound.PositionProperties["speed"]);
    }

    [Fact]
    public void Refuses_a_tracker_without_its_expressions()
    {
        var problems = Bind(Udp().With("Destinations[0].DestinationArn", TrackerArn)).Problems;

        Assert.Equal(
            ["DeviceIdExpression", "LatitudeExpression", "LongitudeExpression"],
            problems.Select(problem => problem.Path["Destinations[0].Arguments.".Length..]));
        Assert.All(problems, problem => Assert.Equal("is required by a tracker", problem.Sentence));
    }

    [Fact]
    public void Refuses_more_than_three_properties_of_a_position()
    {
        var arguments = """{"DeviceIdExpression":"[0]","LatitudeExpression":"[1]","LongitudeExpression":"[2]","PositionPropertyExpressions":{"a":"[3]","b":"[4]","c":"[5]","d":"[6]"}}""";

        var problem = Assert.Single(Bind(Udp().With("Destinations[0].DestinationArn", TrackerArn).With("Destinations[0].Arguments", arguments)).Problems);

        Assert.Equal(("Destinations[0].Arguments.PositionPropertyExpressions", "must have at most 3 properties"), (problem.Path, problem.Sentence));
    }

    [Fact]
    public void Refuses_a_wrong_expression_and_points_at_the_character()
    {
        var problem = Assert.Single(Bind(Udp().With("Destinations[0].DestinationArn", QueueArn).With("Destinations[0].Arguments", """{"MessageGroupIdExpression":"[0:"}""")).Problems);

        Assert.Equal("Destinations[0].Arguments.MessageGroupIdExpression", problem.Path);
        Assert.StartsWith("is no valid expression: at character ", problem.Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Refuses_an_unknown_formatter_of_an_expression()
    {
        var problem = Assert.Single(Bind(Udp().With("Destinations[0].DestinationArn", StreamArn).With("Destinations[0].Arguments", """{"PartitionKeyExpression":"[0]","PartitionKeyFormatter":"coap"}""")).Problems);

        Assert.Equal(("Destinations[0].Arguments.PartitionKeyFormatter", "must be base64, hex, ascii or utf8"), (problem.Path, problem.Sentence));
    }

    [Fact]
    public void Warns_of_arguments_of_another_kind()
    {
        var result = Bind(Udp().With("Destinations[0].DestinationArn", StreamArn).With("Destinations[0].Arguments", """{"SendRaw":true}"""));

        Assert.Contains(result.Warnings, warning => warning.Path == "Destinations[0].Arguments.SendRaw");
    }

    [Fact]
    public void Survives_the_store()
    {
        var definition = BindValid(Udp().With("Destinations[0].DestinationArn", QueueArn).With("Destinations[0].Arguments", """{"MessageGroupIdExpression":"[0:2]"}"""));

        var read = JsonSerializer.Deserialize(JsonSerializer.Serialize(definition, ListenerJson.Default.ListenerDefinition), ListenerJson.Default.ListenerDefinition)!;

        Assert.Equal(definition.Destinations[0].Arguments, read.Destinations[0].Arguments);
    }

    [Theory]
    [InlineData("arn:aws:sqs:us-west-2:123456789012:q", true)]
    [InlineData("arn:aws:sqs:us-west-2:123456789012:q.fifo", true)]
    [InlineData("arn:aws:sqs:us-west-2:123456789012:q.other", false)]
    [InlineData("arn:aws:sqs::123456789012:q", false)]
    [InlineData("arn:aws:sns:us-west-2:123456789012:t", true)]
    [InlineData("arn:aws:sns:us-west-2:123456789012:t:c1b2", false)]
    [InlineData("arn:aws:events:us-west-2:123456789012:event-bus/default", true)]
    [InlineData("arn:aws:events:us-west-2:123456789012:rule/default", false)]
    [InlineData("arn:aws:kinesis:us-west-2:123456789012:stream/s", true)]
    [InlineData("arn:aws:kinesis:us-west-2:123456789012:stream/s/consumer/c", false)]
    [InlineData("arn:aws:firehose:us-west-2:123456789012:deliverystream/d", true)]
    [InlineData("arn:aws:firehose:us-west-2:123456789012:stream/d", false)]
    [InlineData("arn:aws:s3:::bucket", true)]
    [InlineData("arn:aws:s3:::bucket/radius/logs=1/", true)]
    [InlineData("arn:aws:s3:::bucket/a/../b", false)]
    [InlineData("arn:aws:s3:::Bucket", false)]
    [InlineData("arn:aws:logs:us-west-2:123456789012:log-group:/syslog/messages:*", true)]
    [InlineData("arn:aws:logs:us-west-2:123456789012:log-group:/syslog/messages", true)]
    [InlineData("arn:aws:logs:us-west-2:123456789012:log-group:g:log-stream:s", false)]
    [InlineData("arn:aws:dynamodb:us-west-2:123456789012:table/packets", true)]
    [InlineData("arn:aws:dynamodb:us-west-2:123456789012:table/packets/stream/1", false)]
    [InlineData("arn:aws:states:us-west-2:123456789012:stateMachine:m", true)]
    [InlineData("arn:aws:states:us-west-2:123456789012:stateMachine:m:live", true)]
    [InlineData("arn:aws:states:us-west-2:123456789012:execution:m:1", false)]
    [InlineData("arn:aws:execute-api:us-west-2:123456789012:abc123/prod/POST/packets/in", true)]
    [InlineData("arn:aws:execute-api:us-west-2:123456789012:abc123/$default/POST", true)]
    [InlineData("arn:aws:execute-api:us-west-2:123456789012:abc123/prod/GET/packets", false)]
    [InlineData("arn:aws:execute-api:us-west-2:123456789012:abc123/prod/POST/../x", false)]
    [InlineData("arn:aws:execute-api:us-west-2:123456789012:evil.example/prod/POST/x", false)]
    public void Takes_the_strict_form_of_each_kinds_ARNs(string text, bool expected)
    {
        Assert.True(Arn.TryParse(text, out var arn));
        Assert.True(DestinationKinds.TryFind(arn.Service, out var kind));

        Assert.Equal(expected, kind.Accepts(arn));
    }
}
