using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.Tests.Templates;

/// <summary>Templates of one region, whose listener another stack declares.</summary>
public sealed class ListenerElsewhereTests : IDisposable
{
    private const string Region = """
        Parameters: {DestinationName: {Type: String, Default: theirs}}
        Resources:
          Topic: {Type: "AWS::SNS::Topic"}
          Registration:
            Type: Custom::ProxylityUdpGatewayDestinationArn
            Properties: {ServiceToken: x, Destination: !Ref DestinationName, Arn: "arn:aws:sqs:us-west-2:123456789012:queue"}

        """;

    private readonly TemplateText _text = new();

    public void Dispose() => _text.Dispose();

    [Fact]
    public void Get_a_listener_with_the_destination_that_they_register_for()
    {
        var template = ListenerElsewhere.AddTo(_text.LoadValid(Region), _text.Problems);

        Assert.Equal(0, DeclaredListeners.Check(_text.LoadValid(Region), _text.Problems));
        Assert.Equal(1, DeclaredListeners.Check(template, _text.Problems));
        Assert.Empty(_text.Lines);
        Assert.Equal(ListenerElsewhere.LogicalId, template.Resources[0].LogicalId);
        Assert.Equal("""[{"Name":"theirs","Role":"arn:aws:iam::123456789012:role/elsewhere"}]""", System.Text.Json.Nodes.JsonNode.Parse(TemplateText.Properties(template, ListenerElsewhere.LogicalId))!["Destinations"]!.ToJsonString());
        Assert.Contains("theirs, which another stack declares", Assert.Single(_text.Problems.Notes).Sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void Get_a_listener_of_the_name_that_their_packet_source_pushes_through()
    {
        var template = ListenerElsewhere.AddTo(_text.LoadValid(Region + """
              Source:
                Type: Custom::ProxylityUdpGatewayPacketSource
                Properties: {ServiceToken: x, ListenerName: their-listener, SnsTopicSource: {Role: "arn:aws:iam::123456789012:role/r", TopicArn: !Ref Topic}}
            """), _text.Problems);

        Assert.Contains("\"Name\":\"their-listener\"", TemplateText.Properties(template, ListenerElsewhere.LogicalId), StringComparison.Ordinal);
    }

    [Fact]
    public void Get_none_when_they_declare_a_listener_themselves()
    {
        var template = _text.LoadValid(Region + """
              Listener:
                Type: Custom::ProxylityUdpGatewayListener
                Properties: {ServiceToken: x, Protocols: [udp], Destinations: [{Name: ours, Role: "arn:aws:iam::123456789012:role/r"}]}
            """);

        Assert.Same(template, ListenerElsewhere.AddTo(template, _text.Problems));
        Assert.Empty(_text.Problems.Notes);
    }
}
