using System.Text;
using Amazon.Runtime;
using Amazon.Runtime.Endpoints;

namespace UdpGateway.Aws.Tests;

[Collection(EnvironmentVariables.Name)]
public sealed class AwsServiceClientTests
{
    private static readonly AwsService Service = new("Secrets Manager", SigningName: "secretsmanager", EndpointPrefix: "secretsmanager");

    [Theory]
    [InlineData("eu-central-1", "https://secretsmanager.eu-central-1.amazonaws.com")]
    [InlineData("us-gov-west-1", "https://secretsmanager.us-gov-west-1.amazonaws.com")]
    [InlineData("cn-north-1", "https://secretsmanager.cn-north-1.amazonaws.com.cn")]
    public void Takes_the_regions_endpoint_when_none_is_configured(string region, string expected)
    {
        using var client = new AwsServiceClient(Service, TestEnvironment.Credentials, new AwsClientSettings(region));

        Assert.Equal(expected, EndpointOf(client));
    }

    [Fact]
    public void Takes_the_fips_and_dual_stack_endpoint_when_configured()
    {
        using var client = new AwsServiceClient(Service, TestEnvironment.Credentials, new AwsClientSettings("us-east-1"));
        // The SDK reads AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT once per process, so the test sets what they set.
        var configuration = (ClientConfig)client.Config;
        configuration.UseFIPSEndpoint = true;
        configuration.UseDualstackEndpoint = true;

        Assert.Equal("https://secretsmanager-fips.us-east-1.api.aws", EndpointOf(client));
    }

    [Theory]
    [InlineData("us-west-2.evil.example/")]
    [InlineData("")]
    public void Refuses_a_region_that_would_change_the_host_name(string region)
    {
        Assert.Throws<ArgumentException>(() => new AwsServiceClient(Service, TestEnvironment.Credentials, new AwsClientSettings(region)));
    }

    [Theory]
    [InlineData("AWS_ENDPOINT_URL_LAMBDA")]
    [InlineData("AWS_ENDPOINT_URL")]
    public async Task Takes_the_endpoint_of_the_environment_and_signs_for_the_region(string variable)
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "1"));
        using var set = EnvironmentVariables.Set(variable, stub.Url.AbsoluteUri);
        using var lambda = new LambdaClient(TestEnvironment.Credentials, "eu-west-1");

        await lambda.InvokeAsync(new InvokeRequest("echo", InvocationType.RequestResponse, "{}"u8.ToArray()), CancellationToken.None);

        Assert.Contains("/eu-west-1/lambda/aws4_request", Assert.Single(stub.Requests).Headers["Authorization"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500, 3)]
    [InlineData(400, 1)]
    public async Task Repeats_server_errors_where_a_call_may_take_effect_twice(int status, int attempts)
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, status));
        using var client = Client(stub);

        var failure = await Assert.ThrowsAsync<AwsServiceException>(() => client.SendAsync(new Probe { Method = HttpMethod.Post }, CancellationToken.None));

        Assert.Equal(status, (int)failure.StatusCode);
        Assert.Equal(attempts, stub.Requests.Count);
    }

    [Fact]
    public async Task Speaks_the_json_protocol_as_well()
    {
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "{\"Name\":\"s\"}"));
        using var client = Client(stub);
        var request = new Probe
        {
            Method = HttpMethod.Post,
            Headers = [new("Content-Type", "application/x-amz-json-1.1"), new("X-Amz-Target", "secretsmanager.DescribeSecret")],
            Body = "{\"SecretId\":\"s\"}"u8.ToArray(),
        };

        var response = await client.SendAsync(request, CancellationToken.None);

        var received = Assert.Single(stub.Requests);
        Assert.Equal(("POST", "/", "secretsmanager.DescribeSecret"), (received.Method, received.RawTarget, received.Headers["X-Amz-Target"]));
        Assert.Equal("{\"Name\":\"s\"}", Encoding.UTF8.GetString(response.Body.Span));
    }

    [Fact]
    public async Task Calls_that_hang_keep_no_others_from_the_same_host()
    {
        const int Hanging = 600;
        var revived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var stub = await StubService.StartAsync(async (context, _) =>
        {
            if (StubService.RequestOf(context).Headers.ContainsKey("X-Hangs"))
                await revived.Task;
            await StubService.AnswerAsync(context, 200);
        });
        using var silent = Client(stub);
        using var other = Client(stub);
        var hanging = Enumerable.Range(0, Hanging)
            .Select(_ => silent.SendAsync(new Probe { Method = HttpMethod.Post, Headers = [new("X-Hangs", "1")] }, CancellationToken.None))
            .ToArray();

        await other.SendAsync(new Probe { Method = HttpMethod.Post }, CancellationToken.None);

        Assert.DoesNotContain(hanging, call => call.IsCompleted);
        revived.SetResult();
        await Task.WhenAll(hanging);
    }

    private static AwsServiceClient Client(StubService stub) =>
        new(Service, TestEnvironment.Credentials, new AwsClientSettings(TestEnvironment.Region) { ServiceUrl = stub.Url });

    private static string EndpointOf(AwsServiceClient client) =>
        client.Config.DetermineServiceOperationEndpoint(new ServiceOperationEndpointParameters(new Probe { Method = HttpMethod.Get })).URL;

    private sealed class Probe : AwsRequest;
}
