using System.Net;
using System.Text;
using System.Web;
using Microsoft.AspNetCore.Http;

namespace UdpGateway.Aws.Tests;

public sealed class DestinationCredentialsTests
{
    private const string RoleArn = "arn:aws:iam::123456789012:role/destinations/invoker";
    private const string ExternalId = "arn:aws:cloudformation:us-west-2:123456789012:stack/sample/1a2b3c";

    [Fact]
    public async Task Assumes_the_role_with_external_id_and_a_session_name_that_sts_takes()
    {
        await using var sts = await StubService.StartAsync((context, number) => GrantAsync(context, number, TimeSpan.FromHours(1)));
        using var credentials = Credentials(sts);

        var granted = await credentials.For(RoleArn, ExternalId, "my listener/" + new string('x', 80)).GetCredentialsAsync();

        Assert.Equal(("ASIA1", "secret1", "token1"), (granted.AccessKey, granted.SecretKey, granted.Token));
        var request = Assert.Single(sts.Requests);
        var parameters = HttpUtility.ParseQueryString(Encoding.UTF8.GetString(request.Body));
        Assert.Equal(("AssumeRole", RoleArn, ExternalId), (parameters["Action"], parameters["RoleArn"], parameters["ExternalId"]));
        Assert.Equal("my-listener-" + new string('x', 52), parameters["RoleSessionName"]);
        Assert.Contains("/us-west-2/sts/aws4_request", request.Headers["Authorization"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Assumes_a_role_once_for_all_concurrent_users()
    {
        await using var sts = await StubService.StartAsync((context, number) => GrantAsync(context, number, TimeSpan.FromHours(1)));
        using var credentials = Credentials(sts);

        var granted = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ =>
            Task.Run(() => credentials.For(RoleArn, ExternalId, "listener").GetCredentialsAsync())));

        Assert.All(granted, one => Assert.Equal("ASIA1", one.AccessKey));
        Assert.Single(sts.Requests);
    }

    [Fact]
    public async Task Keeps_roles_external_ids_and_session_names_apart()
    {
        await using var sts = await StubService.StartAsync((context, number) => GrantAsync(context, number, TimeSpan.FromHours(1)));
        using var credentials = Credentials(sts);

        var keys = new List<string>
        {
            (await credentials.For(RoleArn, ExternalId, "listener").GetCredentialsAsync()).AccessKey,
            (await credentials.For(RoleArn + "2", ExternalId, "listener").GetCredentialsAsync()).AccessKey,
            (await credentials.For(RoleArn, ExternalId + "2", "listener").GetCredentialsAsync()).AccessKey,
            (await credentials.For(RoleArn, ExternalId, "listener2").GetCredentialsAsync()).AccessKey,
            (await credentials.For(RoleArn, ExternalId, "listener").GetCredentialsAsync()).AccessKey,
        };

        Assert.Equal(["ASIA1", "ASIA2", "ASIA3", "ASIA4", "ASIA1"], keys);
    }

    [Fact]
    public async Task Renews_credentials_before_they_expire_while_the_old_ones_still_serve()
    {
        // The first are within the window for early renewal from the start.
        await using var sts = await StubService.StartAsync((context, number) =>
            GrantAsync(context, number, number == 1 ? TimeSpan.FromMinutes(2) : TimeSpan.FromHours(1)));
        using var credentials = Credentials(sts);
        var role = credentials.For(RoleArn, ExternalId, "listener");
        Assert.Equal("ASIA1", (await role.GetCredentialsAsync()).AccessKey);

        var deadline = DateTime.UtcNow.AddSeconds(30);
        while ((await role.GetCredentialsAsync()).AccessKey == "ASIA1" && DateTime.UtcNow < deadline)
            await Task.Delay(10);

        Assert.NotEqual("ASIA1", (await role.GetCredentialsAsync()).AccessKey);
    }

    [Fact]
    public async Task Serves_with_valid_credentials_while_their_renewal_fails()
    {
        await using var sts = await StubService.StartAsync((context, number) => number == 1
            ? GrantAsync(context, number, TimeSpan.FromMinutes(2))
            : StubService.AnswerAsync(context, 403));
        using var credentials = new DestinationCredentials(TestEnvironment.Credentials, TestEnvironment.Region, sts.Url, new ManualTimeProvider());
        var role = credentials.For(RoleArn, ExternalId, "listener");

        var keys = new List<string>();
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (sts.Requests.Count < 2 && DateTime.UtcNow < deadline)
        {
            keys.Add((await role.GetCredentialsAsync()).AccessKey);
            await Task.Delay(10);
        }

        for (var i = 0; i < 20; i++)
            keys.Add((await role.GetCredentialsAsync()).AccessKey);

        Assert.All(keys, key => Assert.Equal("ASIA1", key));
        Assert.Equal(2, sts.Requests.Count);
    }

    [Fact]
    public async Task Asks_for_a_refused_role_again_only_after_a_while()
    {
        const string Refusal = """
            <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code>
            <Message>not authorized to perform: sts:AssumeRole</Message></Error><RequestId>r</RequestId></ErrorResponse>
            """;
        await using var sts = await StubService.StartAsync((context, number) => number == 1
            ? StubService.AnswerAsync(context, 403, Refusal, ("Content-Type", "text/xml"))
            : GrantAsync(context, number, TimeSpan.FromHours(1)));
        var time = new ManualTimeProvider();
        using var credentials = new DestinationCredentials(TestEnvironment.Credentials, TestEnvironment.Region, sts.Url, time);
        var role = credentials.For(RoleArn, ExternalId, "listener");

        var first = await Assert.ThrowsAsync<AwsServiceException>(role.GetCredentialsAsync);
        var second = await Assert.ThrowsAsync<AwsServiceException>(role.GetCredentialsAsync);
        var asked = sts.Requests.Count;
        time.Advance(DestinationCredentials.FailureLifetime);
        var granted = await role.GetCredentialsAsync();

        Assert.Equal((AwsFailure.CredentialsUnavailable, "AccessDenied", HttpStatusCode.Forbidden), (first.Failure, first.ErrorCode, first.StatusCode));
        Assert.Equal(first.Message, second.Message);
        Assert.Equal(1, asked);
        Assert.Equal("ASIA2", granted.AccessKey);
    }

    [Fact]
    public async Task A_call_whose_role_is_refused_sends_nothing()
    {
        await using var sts = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 403));
        await using var stub = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 200, "1"));
        using var credentials = Credentials(sts);
        using var lambda = new LambdaClient(credentials.For(RoleArn, ExternalId, "listener"), TestEnvironment.Region, stub.Url);

        var failure = await Assert.ThrowsAsync<AwsServiceException>(() =>
            lambda.InvokeAsync(new InvokeRequest("echo", InvocationType.RequestResponse, "{}"u8.ToArray()), CancellationToken.None));

        Assert.Equal(AwsFailure.CredentialsUnavailable, failure.Failure);
        Assert.Single(sts.Requests);
        Assert.Empty(stub.Requests);
    }

    [Theory]
    [InlineData("")]
    [InlineData("invoker")]
    [InlineData("arn:aws:iam::123456789012:user/invoker")]
    [InlineData("arn:aws:iam:us-west-2:123456789012:role/invoker")]
    [InlineData("arn:aws:iam:::role/invoker")]
    [InlineData("arn:aws:sts::123456789012:role/invoker")]
    [InlineData("arn:aws:iam::123456789012:role/")]
    [InlineData("arn:aws:iam::123456789012:role//invoker")]
    [InlineData("arn:aws:iam::123456789012:role/in voker")]
    [InlineData("arn:aws:iam::123456789012:role/invoker*")]
    public void Refuses_what_is_no_role(string roleArn)
    {
        using var credentials = new DestinationCredentials(TestEnvironment.Credentials, TestEnvironment.Region);

        var refusal = Assert.Throws<ArgumentException>(() => credentials.For(roleArn, ExternalId, "listener"));

        Assert.Equal("roleArn", refusal.ParamName);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("two words")]
    public void Refuses_what_is_no_external_id(string externalId)
    {
        using var credentials = new DestinationCredentials(TestEnvironment.Credentials, TestEnvironment.Region);

        var refusal = Assert.Throws<ArgumentException>(() => credentials.For(RoleArn, externalId, "listener"));

        Assert.Equal("externalId", refusal.ParamName);
    }

    private static DestinationCredentials Credentials(StubService sts) =>
        new(TestEnvironment.Credentials, TestEnvironment.Region, sts.Url);

    private static Task GrantAsync(HttpContext context, int number, TimeSpan lifetime) => StubService.AnswerAsync(
        context,
        200,
        $"""
        <AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
        <AccessKeyId>ASIA{number}</AccessKeyId><SecretAccessKey>secret{number}</SecretAccessKey><SessionToken>token{number}</SessionToken>
        <Expiration>{DateTime.UtcNow + lifetime:yyyy-MM-ddTHH:mm:ssZ}</Expiration></Credentials></AssumeRoleResult>
        <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleResponse>
        """,
        ("Content-Type", "text/xml"));
}
