using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Amazon.Runtime;
using UdpGateway.Listeners;

namespace UdpGateway.Aws;

/// <summary>AWS Lambda over HTTPS. Safe for concurrent use; one instance serves all functions of a region with one set of credentials.</summary>
/// <remarks>Source: AWS Lambda API Reference, "Invoke", version 2015-03-31, and "InvokeWithResponseStream", version 2021-11-15.</remarks>
public sealed partial class LambdaClient : ILambda, IDisposable
{
    /// <summary>A function runs at most 15 minutes; the rest is for starting it and for the way there and back.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromMinutes(16);

    private static readonly TimeSpan EventTimeout = TimeSpan.FromSeconds(60);

    private static readonly AwsService Lambda = new("Lambda", SigningName: "lambda", EndpointPrefix: "lambda");

    private readonly IAwsTransport _client;
    private readonly IAwsTransport _events;

    /// <param name="credentials">Who calls; for a destination with a role, the role's.</param>
    /// <param name="region">Signing region, and the endpoint's if none is configured.</param>
    /// <param name="serviceUrl">Null takes AWS_ENDPOINT_URL_LAMBDA, else AWS_ENDPOINT_URL, else the region's endpoint.</param>
    /// <param name="timeout">Limit of one attempt, connecting and reading the whole answer included; <see cref="DefaultTimeout"/> if null.</param>
    public LambdaClient(AWSCredentials credentials, string region, Uri? serviceUrl = null, TimeSpan? timeout = null)
        : this(new AwsConnection(credentials, region, serviceUrl), timeout)
    {
    }

    /// <param name="connection">Where the functions are, or what records the calls in their place.</param>
    /// <param name="timeout">Limit of one attempt; <see cref="DefaultTimeout"/> if null, a minute for events.</param>
    public LambdaClient(AwsConnection connection, TimeSpan? timeout = null)
    {
        // A repeated call would run the customer's function twice for one batch.
        _client = connection.Open(Lambda, AwsRetries.ThrottlingOnly, timeout ?? DefaultTimeout);
        _events = connection.Open(Lambda, AwsRetries.None, timeout ?? EventTimeout);
    }

    public async Task<InvokeResponse> InvokeAsync(InvokeRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var operation = new Invoke
        {
            Method = HttpMethod.Post,
            Path = "/2015-03-31/functions/{FunctionName}/invocations",
            PathParameters = [new("{FunctionName}", CheckFunctionName(request.FunctionName))],
            Headers =
            [
                new("Content-Type", "application/json"),
                new("X-Amz-Invocation-Type", request.InvocationType == InvocationType.Event ? "Event" : "RequestResponse"),
            ],
            Body = request.Payload,
            Recorded = request.Payload,
            RecordedAnswer = request.InvocationType == InvocationType.Event ? ReadOnlyMemory<byte>.Empty : "null"u8.ToArray(),
        };
        AddTenant(operation, request);

        var transport = request.InvocationType == InvocationType.Event ? _events : _client;
        var response = await transport.SendAsync(operation, cancellationToken);

        return new InvokeResponse((int)response.HttpStatusCode, response.Header("X-Amz-Function-Error"), response.Body);
    }

    public async IAsyncEnumerable<InvokeStreamEvent> InvokeWithResponseStreamAsync(InvokeRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.InvocationType != InvocationType.RequestResponse)
            throw new ArgumentException("Only a synchronous invocation has a response to stream.", nameof(request));
        var operation = new InvokeWithResponseStream
        {
            Method = HttpMethod.Post,
            Path = "/2021-11-15/functions/{FunctionName}/response-streaming-invocations",
            PathParameters = [new("{FunctionName}", CheckFunctionName(request.FunctionName))],
            Headers = [new("Content-Type", "application/json"), new("X-Amz-Invocation-Type", "RequestResponse")],
            Body = request.Payload,
            Recorded = request.Payload,
            RecordedAnswer = InvokeStream.Complete,
        };
        AddTenant(operation, request);

        await using var stream = new InvokeStream(await _client.OpenStreamAsync(operation, cancellationToken));
        InvokeStreamEvent next;
        do
        {
            next = await stream.ReadAsync(cancellationToken);
            yield return next;
        }
        while (!next.IsComplete);
    }

    public void Dispose()
    {
        _client.Dispose();
        _events.Dispose();
    }

    private static void AddTenant(AwsRequest operation, InvokeRequest request)
    {
        if (request.TenantId is { } tenant)
            operation.Headers.Add(new("X-Amz-Tenant-Id", CheckTenantId(tenant)));
    }

    private static string CheckFunctionName(string name)
    {
        var acceptable = name.StartsWith("arn:", StringComparison.Ordinal)
            ? Arn.TryParse(name, out var arn) && arn.Service == "lambda" && FunctionNamePattern().IsMatch(arn.Resource)
            : FunctionNamePattern().IsMatch(name);
        return acceptable ? name : throw new ArgumentException($"'{name}' is no name or ARN of a Lambda function.", nameof(name));
    }

    private static string CheckTenantId(string tenantId) => LambdaTenant.IsValid(tenantId)
        ? tenantId
        : throw new ArgumentException($"A tenant id is {LambdaTenant.Form}.", nameof(tenantId));

    // Neither holds a dot-only or empty path segment, which would change the path's meaning.
    [GeneratedRegex(@"\A[A-Za-z0-9_-]{1,140}(:(\$LATEST(\.PUBLISHED)?|[A-Za-z0-9_-]{1,140})){0,4}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex FunctionNamePattern();

    private sealed class Invoke : AwsRequest;

    private sealed class InvokeWithResponseStream : AwsRequest;
}
