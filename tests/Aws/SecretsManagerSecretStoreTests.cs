using System.Text;
using System.Text.Json.Nodes;
using UdpGateway.Listeners;

namespace UdpGateway.Aws.Tests;

public sealed class SecretsManagerSecretStoreTests(MotoServer moto) : IClassFixture<MotoServer>, IDisposable
{
    private static readonly SecretOwner Owner = new("arn:aws:cloudformation:us-west-2:123456789012:stack/sample/1a2b3c", "Listener");

    private readonly SecretsManagerSecretStore _store = new(moto.Administrator ?? TestEnvironment.Credentials, TestEnvironment.Region, serviceUrl: moto.Url);
    private readonly string _name = $"udp-gateway/echo-{Guid.NewGuid():N}";

    public void Dispose() => _store.Dispose();

    [RequiresMotoFact]
    public async Task Comes_back_whole_or_by_json_key_by_name_and_by_arn()
    {
        await _store.WriteAsync(_name, """{"psk":"value"}""", Owner, default);
        var arn = (await CallAsync("DescribeSecret", new JsonObject { ["SecretId"] = _name }))["ARN"]!.GetValue<string>();

        Assert.Equal("""{"psk":"value"}""", (await _store.ReadAsync(new SecretReference(_name), default)).Value);
        Assert.Equal("value", (await _store.ReadAsync(new SecretReference(_name, "psk"), default)).Value);
        Assert.Equal("value", (await _store.ReadAsync(new SecretReference(arn, "psk"), default)).Value);
        Assert.Equal(SecretReadStatus.NotAKey, (await _store.ReadAsync(new SecretReference(_name, "other"), default)).Status);
        Assert.Equal(SecretReadStatus.Missing, (await _store.ReadAsync(new SecretReference(_name + "x"), default)).Status);
    }

    [RequiresMotoFact]
    public async Task A_secret_of_another_region_is_read_there()
    {
        using var elsewhere = new SecretsManagerSecretStore(moto.Administrator, "eu-central-1", serviceUrl: moto.Url);
        await elsewhere.WriteAsync(_name, "value", default);
        var arn = (await CallAsync("DescribeSecret", new JsonObject { ["SecretId"] = _name }, "eu-central-1"))["ARN"]!.GetValue<string>();

        Assert.Equal("value", (await _store.ReadAsync(new SecretReference(arn), default)).Value);
        Assert.Equal(SecretReadStatus.Missing, (await _store.ReadAsync(new SecretReference(_name), default)).Status);
    }

    [RequiresMotoFact]
    public async Task Stages_and_versions_are_those_of_the_reference()
    {
        await _store.WriteAsync(_name, "first", default);
        var versionId = (await CallAsync("GetSecretValue", new JsonObject { ["SecretId"] = _name }))["VersionId"]!.GetValue<string>();
        await _store.WriteAsync(_name, "second", default);

        Assert.Equal("second", (await _store.ReadAsync(new SecretReference(_name), default)).Value);
        Assert.Equal("second", (await _store.ReadAsync(new SecretReference(_name, VersionStage: "AWSCURRENT"), default)).Value);
        Assert.Equal("first", (await _store.ReadAsync(new SecretReference(_name, VersionStage: "AWSPREVIOUS"), default)).Value);
        Assert.Equal("first", (await _store.ReadAsync(new SecretReference(_name, VersionId: versionId), default)).Value);
        Assert.Equal(SecretReadStatus.Missing, (await _store.ReadAsync(new SecretReference(_name, VersionStage: "ABSENT"), default)).Status);
    }

    [RequiresMotoFact]
    public async Task Ours_tell_whose_they_are()
    {
        await _store.WriteAsync(_name, "value", Owner, default);

        var tags = (await CallAsync("DescribeSecret", new JsonObject { ["SecretId"] = _name }))["Tags"]!.AsArray()
            .ToDictionary(tag => tag!["Key"]!.GetValue<string>(), tag => tag!["Value"]!.GetValue<string>());

        Assert.Equal((Owner.StackId, Owner.LogicalResourceId), (tags["udp-gateway:stack-id"], tags["udp-gateway:logical-id"]));
    }

    [RequiresMotoFact]
    public async Task What_is_deleted_can_be_restored_for_a_week_and_is_told_apart_from_missing()
    {
        await _store.WriteAsync(_name, "value", default);

        await _store.DeleteAsync(_name, default);
        await _store.DeleteAsync(_name, default);
        await _store.DeleteAsync(_name + "x", default);

        Assert.Equal(SecretReadStatus.Deleted, (await _store.ReadAsync(new SecretReference(_name), default)).Status);
        await CallAsync("RestoreSecret", new JsonObject { ["SecretId"] = _name });
        Assert.Equal("value", (await _store.ReadAsync(new SecretReference(_name), default)).Value);
    }

    [RequiresMotoFact]
    public async Task A_binary_secret_is_no_key()
    {
        await CallAsync("CreateSecret", new JsonObject { ["Name"] = _name, ["SecretBinary"] = "AAEC", ["ClientRequestToken"] = Guid.NewGuid().ToString() });

        Assert.Equal(SecretReadStatus.NotAKey, (await _store.ReadAsync(new SecretReference(_name), default)).Status);
    }

    [RequiresMotoFact]
    public async Task Whoever_may_not_read_is_told_so()
    {
        await _store.WriteAsync(_name, "value", default);
        using var other = new SecretsManagerSecretStore(moto.Credentials, TestEnvironment.Region, serviceUrl: moto.Url);

        Assert.Equal(SecretReadStatus.AccessDenied, (await other.ReadAsync(new SecretReference(_name), default)).Status);
    }

    [Theory]
    [InlineData("AccessDeniedException", "Access to KMS is not allowed", SecretReadStatus.KeyUnavailable)]
    [InlineData("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text using the provided KMS key.", SecretReadStatus.KeyUnavailable)]
    [InlineData("InvalidRequestException", "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.", SecretReadStatus.KeyUnavailable)]
    [InlineData("AccessDeniedException", "User: arn:aws:sts::123456789012:x is not authorized to perform: secretsmanager:GetSecretValue", SecretReadStatus.AccessDenied)]
    public async Task Refusals_are_told_apart(string code, string message, SecretReadStatus status)
    {
        await using var service = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 400, new JsonObject { ["__type"] = code, ["message"] = message }.ToJsonString()));
        using var store = new SecretsManagerSecretStore(TestEnvironment.Credentials, TestEnvironment.Region, serviceUrl: service.Url);

        Assert.Equal(status, (await store.ReadAsync(new SecretReference("key"), default)).Status);
    }

    [Fact]
    public async Task A_service_that_does_not_answer_says_nothing_about_the_secret()
    {
        await using var service = await StubService.StartAsync((context, _) => StubService.AnswerAsync(context, 500));
        using var store = new SecretsManagerSecretStore(TestEnvironment.Credentials, TestEnvironment.Region, serviceUrl: service.Url);

        var failure = await Assert.ThrowsAsync<AwsServiceException>(() => store.ReadAsync(new SecretReference("key"), default));

        Assert.Equal(AwsFailure.ServiceFault, failure.Failure);
    }

    private async Task<JsonNode> CallAsync(string operation, JsonObject body, string region = TestEnvironment.Region)
    {
        using var client = new AwsServiceClient(new AwsService("Secrets Manager", "secretsmanager", "secretsmanager"), moto.Administrator, new AwsClientSettings(region) { ServiceUrl = moto.Url });
        var response = await client.SendAsync(
            new SecretsCall { Method = HttpMethod.Post, Headers = AwsJson.Headers($"secretsmanager.{operation}", "1.1"), Body = Encoding.UTF8.GetBytes(body.ToJsonString()) }, default);
        return JsonNode.Parse(response.Body.Span)!;
    }

    private sealed class SecretsCall : AwsRequest;
}
