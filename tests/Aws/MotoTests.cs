using System.Net;
using System.Text;
using Amazon.Runtime;

namespace UdpGateway.Aws.Tests;

/// <summary>Against an independent implementation of SigV4, STS and IAM.</summary>
public sealed class MotoTests(MotoServer moto) : IClassFixture<MotoServer>
{
    private static readonly InvokeRequest Request = new(MotoServer.FunctionName, InvocationType.RequestResponse, "{\"Messages\":[]}"u8.ToArray());

    [RequiresMotoFact]
    public async Task Invokes_with_the_role_of_a_destination()
    {
        using var credentials = new DestinationCredentials(moto.Credentials, TestEnvironment.Region, moto.Url);
        using var lambda = Client(credentials.For(MotoServer.RoleArn, MotoServer.ExternalId, "listener"));

        var response = await lambda.InvokeAsync(Request, CancellationToken.None);

        Assert.Equal((200, null), (response.StatusCode, response.FunctionError));
        Assert.Equal("{\"Messages\":[]}", Encoding.UTF8.GetString(response.Payload.Span));
    }

    [RequiresMotoFact]
    public async Task Queues_an_event_with_the_role_of_a_destination()
    {
        using var credentials = new DestinationCredentials(moto.Credentials, TestEnvironment.Region, moto.Url);
        using var lambda = Client(credentials.For(MotoServer.RoleArn, MotoServer.ExternalId, "listener"));

        var response = await lambda.InvokeAsync(Request with { InvocationType = InvocationType.Event }, CancellationToken.None);

        Assert.Equal(202, response.StatusCode);
    }

    [RequiresMotoFact]
    public async Task Is_refused_with_another_external_id()
    {
        using var credentials = new DestinationCredentials(moto.Credentials, TestEnvironment.Region, moto.Url);
        using var lambda = Client(credentials.For(MotoServer.RoleArn, MotoServer.ExternalId + "x", "listener"));

        var failure = await Assert.ThrowsAsync<AwsServiceException>(() => lambda.InvokeAsync(Request, CancellationToken.None));

        Assert.Equal((AwsFailure.CredentialsUnavailable, "AccessDenied", HttpStatusCode.Forbidden), (failure.Failure, failure.ErrorCode, failure.StatusCode));
        Assert.StartsWith(MotoServer.RoleArn + " cannot be assumed: AccessDenied", failure.Message, StringComparison.Ordinal);
    }

    [RequiresMotoFact]
    public async Task Is_refused_without_the_role()
    {
        using var lambda = Client(moto.Credentials);

        var failure = await Assert.ThrowsAsync<AwsServiceException>(() => lambda.InvokeAsync(Request, CancellationToken.None));

        Assert.Equal((AwsFailure.Refused, HttpStatusCode.Forbidden), (failure.Failure, failure.StatusCode));
    }

    [RequiresMotoFact]
    public async Task Is_refused_with_a_wrong_secret()
    {
        using var lambda = Client(new BasicAWSCredentials(moto.AccessKeyId, moto.SecretAccessKey + "x"));

        var failure = await Assert.ThrowsAsync<AwsServiceException>(() => lambda.InvokeAsync(Request, CancellationToken.None));

        Assert.Equal((AwsFailure.Refused, HttpStatusCode.Forbidden), (failure.Failure, failure.StatusCode));
    }

    private LambdaClient Client(AWSCredentials credentials) => new(credentials, TestEnvironment.Region, moto.Url);
}
