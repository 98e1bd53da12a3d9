using System.Text;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Tests.Destinations;

public sealed class ApiGatewayDestinationTests : ReplyingContractTests
{
    protected override string Arn => "arn:aws:execute-api:us-west-2:123456789012:abc123/prod/POST/packets/in";

    internal override string InputOf(ReceivedRequest request) => Encoding.UTF8.GetString(request.Body);

    internal override string Answer(ReceivedRequest request, string result) => result;

    [Theory]
    [InlineData("abc123/prod/POST/packets/in", "POST", "/prod/packets/in")]
    [InlineData("abc123/$default/PUT/packets", "PUT", "/packets")]
    [InlineData("abc123/prod/PATCH", "PATCH", "/prod/")]
    public async Task Makes_a_signed_request_from_the_ARN(string resource, string method, string path)
    {
        await using var stub = await StartAsync();

        await DeliverAsync(stub, 1, "arn:aws:execute-api:us-west-2:123456789012:" + resource);

        var request = Assert.Single(stub.Requests);
        Assert.Equal((method, path, "application/json"), (request.Method, request.RawTarget, request.Headers["Content-Type"]));
        Assert.Equal(
            SignatureVersion4.Authorization(request, "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", TestEnvironment.Region, "execute-api"),
            request.Headers["Authorization"]);
    }

    [Fact]
    public async Task Takes_replies_from_the_body_of_an_error()
    {
        var replies = """{"Replies":[{"Tag":"0000000000000abc0000","Data":"FAILURE """ + new string('x', 5000) + "\"}]}";
        await using var stub = await StartAsync((context, call) => StubService.AnswerAsync(context, 500, replies, ("Content-Type", "application/json")));

        var outcome = await DeliverAsync(stub, 1);

        Assert.Equal((DeliveryResult.FunctionError, "the API answered HTTP 500, with replies"), (outcome.Result, outcome.Problem));
        Assert.Equal(replies, Encoding.UTF8.GetString(outcome.Answer.Span));
    }
}
