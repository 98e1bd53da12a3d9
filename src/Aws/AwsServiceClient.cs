using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Amazon;
using Amazon.Runtime;
using Amazon.Runtime.Credentials.Internal;
using Amazon.Runtime.Endpoints;
using Amazon.Runtime.Internal;
using Amazon.Runtime.Internal.Auth;
using Amazon.Runtime.Internal.Endpoints.StandardLibrary;
using Amazon.Runtime.Internal.Transform;
using Amazon.Runtime.Internal.Util;
using Arn = UdpGateway.Listeners.Arn;
using Endpoint = Amazon.Runtime.Endpoints.Endpoint;

namespace UdpGateway.Aws;

/// <summary>What tells one AWS service from another.</summary>
/// <param name="ServiceId">The SDK's id; AWS_ENDPOINT_URL_&lt;ID&gt; and a profile's <c>services</c> section go by it.</param>
/// <param name="SigningName">The service in the signature's credential scope.</param>
/// <param name="EndpointPrefix">First label of the host name.</param>
internal sealed record AwsService(string ServiceId, string SigningName, string EndpointPrefix);

/// <summary>Which failures a client repeats, with backoff and within the SDK's retry quota.</summary>
internal enum AwsRetries
{
    /// <summary>Throttling, 5xx, timeouts and broken connections: for operations that may take effect twice.</summary>
    Standard,

    /// <summary>Throttling alone: for operations that must not.</summary>
    ThrottlingOnly,

    /// <summary>None: the caller has a policy of its own.</summary>
    None,
}

/// <param name="Region">Signing region, and the endpoint's unless one is configured.</param>
internal sealed record AwsClientSettings(string Region)
{
    /// <summary>Null takes the SDK's configuration: AWS_ENDPOINT_URL_&lt;ID&gt;, AWS_ENDPOINT_URL, profile, then the region.</summary>
    public Uri? ServiceUrl { get; init; }

    /// <summary>Limit of one attempt, the answer's body included.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    public AwsRetries Retries { get; init; } = AwsRetries.Standard;

    public TimeSpan LongestPause { get; init; } = AwsPatience.Usual.LongestPause;
}

/// <summary>
/// One call, in any of AWS's protocols. Each operation is a class of its own without members but its parameters: its name tells failures apart.
/// </summary>
internal abstract class AwsRequest : AmazonWebServiceRequest
{
    public HttpMethod Method { get; init; } = HttpMethod.Post;

    /// <summary>Absolute path; a <c>{Name}</c> in it stands for the entry of <see cref="PathParameters"/> with that key.</summary>
    public string Path { get; init; } = "/";

    /// <summary>Values as they are; encoding is done here.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> PathParameters { get; init; } = [];

    public List<KeyValuePair<string, string>> Headers { get; init; } = [];

    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>The payload that a recorder keeps, on one line; null for calls that carry none, such as look-ups.</summary>
    public ReadOnlyMemory<byte>? Recorded { get; init; }

    /// <summary>What stands for the service's answer where a recorder takes its place.</summary>
    public ReadOnlyMemory<byte> RecordedAnswer { get; init; } = "{}"u8.ToArray();
}

/// <summary>An answer with a status below 300.</summary>
internal sealed class AwsResponse : AmazonWebServiceResponse
{
    private IWebResponseData? _head;

    public ReadOnlyMemory<byte> Body { get; private init; }

    public static AwsResponse Create(IWebResponseData? head, ReadOnlyMemory<byte> body) => new() { _head = head, Body = body };

    /// <summary>The live body of an answer that was asked for as a stream; to be disposed of by the caller.</summary>
    public Stream OpenBody() => _head!.ResponseBody.OpenResponse();

    public string? Header(string name) => _head?.IsHeaderPresent(name) == true ? _head.GetHeaderValue(name) : null;
}

/// <summary>
/// The client of every AWS service whose SDK package is not used: the SDK's own pipeline (credentials, SigV4, retries, clock skew,
/// endpoint configuration) with requests and responses as bytes. It is the one place that knows the SDK's internal
/// namespaces, whose types generated SDK packages compile against.
/// </summary>
internal sealed class AwsServiceClient : AmazonServiceClient, IAwsTransport
{
    private readonly InvokeOptions _options;
    private readonly InvokeOptions _streamOptions;

    static AwsServiceClient() => AwsHttpClientFactory.Install();

    public AwsServiceClient(AwsService service, AWSCredentials credentials, AwsClientSettings settings)
        : base(credentials, new Configuration(service, settings))
    {
        var marshaller = new Marshalling(service.ServiceId);
        _options = new InvokeOptions { RequestMarshaller = marshaller, ResponseUnmarshaller = new Unmarshalling(service.ServiceId, keepsStream: false) };
        _streamOptions = new InvokeOptions { RequestMarshaller = marshaller, ResponseUnmarshaller = new Unmarshalling(service.ServiceId, keepsStream: true) };
    }

    // The base constructor reads this and customizes the pipeline, so both may use Config only.
    protected override IServiceMetadata ServiceMetadata => new Metadata(Config.ServiceId);

    /// <exception cref="AwsServiceException">Every failure but the caller's own cancellation.</exception>
    public Task<AwsResponse> SendAsync(AwsRequest request, CancellationToken cancellationToken) => SendAsync(request, _options, cancellationToken);

    /// <inheritdoc/>
    public async Task<Stream> OpenStreamAsync(AwsRequest request, CancellationToken cancellationToken)
    {
        var response = await SendAsync(request, _streamOptions, cancellationToken);
        return new FailingStream(response.OpenBody(), $"{Config.ServiceId} {request.GetType().Name}", Config.Timeout!.Value);
    }

    private async Task<AwsResponse> SendAsync(AwsRequest request, InvokeOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await InvokeAsync<AwsResponse>(request, options, cancellationToken);
        }
        catch (Exception exception) when (cancellationToken.IsCancellationRequested && exception is not (AwsServiceException or OperationCanceledException))
        {
            // What a broken-off connection reports depends on where the cancellation met it.
            throw new OperationCanceledException("The call was cancelled.", exception, cancellationToken);
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && Classify(exception) is { } failure)
        {
            var operation = $"{Config.ServiceId} {request.GetType().Name}";
            if (failure == AwsFailure.CredentialsUnavailable)
                throw AwsServiceException.CredentialsUnavailable($"{operation} has no credentials", exception);

            var cause = failure == AwsFailure.TimedOut ? $"no complete answer within {Config.Timeout}" : exception.Message;
            throw new AwsServiceException(failure, $"{operation}: {cause}", exception);
        }
    }

    protected override void CustomizeRuntimePipeline(RuntimePipeline pipeline)
    {
        pipeline.AddHandlerAfter<Marshaller>(new SigV4Authentication());
        // Nobody asks the SDK for its metrics and traces, and for each call this handler leaves an object to the finalizer: all that the
        // call's metrics hold outlives a collection, which more than doubles the pauses of a gateway that makes many calls.
        pipeline.RemoveHandler<MetricsHandler>();
        pipeline.ReplaceHandler<HttpHandler<HttpContent>>(new WholeBodies(Config, this));
        var configuration = (Configuration)Config;
        var policy = configuration.Retries == AwsRetries.Standard ? new StandardRetryPolicy(Config) : new LimitedPolicy(Config, repeatsThrottled: configuration.Retries == AwsRetries.ThrottlingOnly);
        policy.MaxBackoffInMilliseconds = (int)configuration.LongestPause.TotalMilliseconds;
        pipeline.ReplaceHandler<RetryHandler>(new RetryHandler(policy));
    }

    /// <summary>Null for what is an answer already, or a defect.</summary>
    private static AwsFailure? Classify(Exception exception) => exception switch
    {
        AwsServiceException => null,
        TimeoutException or OperationCanceledException => AwsFailure.TimedOut,
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => AwsFailure.ServiceFault,
        HttpRequestException or IOException => AwsFailure.ConnectionFailed,
        AmazonUnmarshallingException => AwsFailure.ServiceFault,
        // The SDK's own exceptions are left over for what comes before the call: finding credentials.
        AmazonClientException or AmazonServiceException => AwsFailure.CredentialsUnavailable,
        _ => null,
    };

    private sealed class Configuration : ClientConfig
    {
        private readonly AwsService _service;

        public Configuration(AwsService service, AwsClientSettings settings)
            : base(new StandardDefaults())
        {
            if (!Arn.IsRegion(settings.Region))
                throw new ArgumentException($"'{settings.Region}' is not the name of a region.", nameof(settings));

            _service = service;
            Retries = settings.Retries;
            LongestPause = settings.LongestPause;
            ServiceId = service.ServiceId;
            AuthenticationServiceName = service.SigningName;
            // Adaptive mode stalls a client with little traffic after one throttle.
            RetryMode = RequestRetryMode.Standard;
            // The SDK repeats on a stale connection outside its retry policy and budget.
            MaxStaleConnectionRetries = 0;
            ResignRetries = true;
            Timeout = settings.Timeout;
            RegionEndpoint = RegionEndpoint.GetBySystemName(settings.Region);
            if (settings.ServiceUrl is { } url)
                ServiceURL = url.AbsoluteUri;
            // An endpoint, also one from the environment, makes the SDK forget the region.
            AuthenticationRegion = settings.Region;
        }

        public AwsRetries Retries { get; }

        public TimeSpan LongestPause { get; }

        public override string ServiceVersion => "";

        public override string UserAgent => "udp-gateway";

        public override string RegionEndpointServiceName => _service.EndpointPrefix;

        public override Endpoint DetermineServiceOperationEndpoint(ServiceOperationEndpointParameters parameters)
        {
            if (!string.IsNullOrEmpty(ServiceURL))
                return new Endpoint(ServiceURL);

            var partition = Fn.Partition(AuthenticationRegion);
            var suffix = UseDualstackEndpoint ? partition.dualStackDnsSuffix : partition.dnsSuffix;
            return new Endpoint($"https://{_service.EndpointPrefix}{(UseFIPSEndpoint ? "-fips" : "")}.{AuthenticationRegion}.{suffix}");
        }
    }

    private sealed class StandardDefaults : IDefaultConfigurationProvider
    {
        private static readonly DefaultConfiguration Standard = new()
        {
            Name = DefaultConfigurationMode.Standard,
            RetryMode = RequestRetryMode.Standard,
        };

        public IDefaultConfiguration GetDefaultConfiguration(RegionEndpoint clientRegion, DefaultConfigurationMode? requestedConfigurationMode = null) => Standard;
    }

    private sealed class Metadata(string serviceId) : IServiceMetadata
    {
        public string ServiceId => serviceId;

        public IDictionary<string, string> OperationNameMapping { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
    }

    private sealed class SigV4Authentication : BaseAuthResolverHandler
    {
        protected override List<IAuthSchemeOption> ResolveAuthOptions(IExecutionContext executionContext) => AuthSchemeOption.DEFAULT_SIGV4;
    }

    /// <summary>Hands the body to the connection as it lies in memory; the SDK would copy it through a small buffer, with a system call for each filling.</summary>
    private sealed class WholeBodies(IClientConfig config, object sender) : HttpHandler<HttpContent>(new HttpRequestMessageFactory(config), sender)
    {
        protected override IHttpRequest<HttpContent> CreateWebRequest(IRequestContext requestContext)
        {
            var request = base.CreateWebRequest(requestContext);
            AwsHttpClientFactory.SetBody(((HttpWebRequestMessage)request).Request, ((AwsRequest)requestContext.OriginalRequest).Body);
            return request;
        }
    }

    /// <summary>A wrong clock is still corrected: that call was refused before it took effect.</summary>
    private sealed class LimitedPolicy(IClientConfig config, bool repeatsThrottled) : StandardRetryPolicy(config)
    {
        public override bool RetryForException(IExecutionContext executionContext, Exception exception) => repeatsThrottled && IsThrottlingError(exception);

        public override Task<bool> RetryForExceptionAsync(IExecutionContext executionContext, Exception exception) =>
            Task.FromResult(repeatsThrottled && IsThrottlingError(exception));

        public override bool IsStaleConnectionError(Exception exception) => false;
    }

    private sealed class Marshalling(string serviceId) : IMarshaller<IRequest, AmazonWebServiceRequest>
    {
        public IRequest Marshall(AmazonWebServiceRequest input)
        {
            var request = (AwsRequest)input;
            var marshalled = new DefaultRequest(request, serviceId)
            {
                HttpMethod = request.Method.Method,
                ResourcePath = request.Path,
            };
            foreach (var (key, value) in request.PathParameters)
                marshalled.AddPathResource(key, value);
            foreach (var (name, value) in request.Headers)
                marshalled.Headers[name] = value;
            if (request.Method != HttpMethod.Get)
            {
                marshalled.ContentStream = Open(request.Body);
                // Without it a stream is sent in chunks, which AWS refuses.
                marshalled.Headers["Content-Length"] = request.Body.Length.ToString();
                // The signer would read the stream in small pieces.
                marshalled.PrecomputedContentSha256 = Convert.ToHexStringLower(SHA256.HashData(request.Body.Span));
            }

            return marshalled;
        }

        // A stream over the caller's own array: bodies reach megabytes, and the SDK takes other memory only as a whole array.
        private static MemoryStream Open(ReadOnlyMemory<byte> body) => MemoryMarshal.TryGetArray(body, out var segment)
            ? new MemoryStream(segment.Array!, segment.Offset, segment.Count, writable: false)
            : new MemoryStream(body.ToArray(), writable: false);
    }

    private sealed class Unmarshalling(string serviceId, bool keepsStream) : JsonResponseUnmarshaller
    {
        private const string BucketRegionHeader = "x-amz-bucket-region";

        private static readonly ICollection<string> ThrottlingCodes = new StandardRetryPolicy(maxRetries: 0).ThrottlingErrorCodes;

        public override bool HasStreamingProperty => keepsStream;

        public override AmazonWebServiceResponse Unmarshall(JsonUnmarshallerContext input)
        {
            if (keepsStream)
                return AwsResponse.Create(input.ResponseData, ReadOnlyMemory<byte>.Empty);

            // AwsHttpClientFactory has the whole body in memory, so its length is known.
            var body = GC.AllocateUninitializedArray<byte>(checked((int)input.ResponseData.ContentLength));
            input.Stream.ReadExactly(body);
            return AwsResponse.Create(input.ResponseData, body);
        }

        public override AmazonServiceException UnmarshallException(JsonUnmarshallerContext input, Exception innerException, HttpStatusCode statusCode)
        {
            var reader = new StreamingUtf8JsonReader(input.Stream);
            var error = JsonErrorResponseUnmarshaller.GetInstance().Unmarshall(input, ref reader);
            AwsQueryCompatibleErrorHandler.ApplyQueryErrorHeader(error, input.ResponseData);
            var isThrottlingCode = error.Code is not null && ThrottlingCodes.Contains(error.Code);
            var bucketRegion = input.ResponseData.IsHeaderPresent(BucketRegionHeader) ? input.ResponseData.GetHeaderValue(BucketRegionHeader) : null;
            return AwsServiceException.FromAnswer(serviceId, statusCode, error.Code, isThrottlingCode, error.Message, error.RequestId, innerException, input.GetResponseBodyBytes(), bucketRegion);
        }
    }
}
