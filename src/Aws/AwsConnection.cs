using System.Net;
using Amazon.Runtime;

namespace UdpGateway.Aws;

/// <summary>
/// How one destination's service is reached: who calls, in which region, and at which endpoint. The clients of services are made
/// from it and end with it.
/// </summary>
public sealed class AwsConnection : IDisposable
{
    private readonly AWSCredentials _credentials;
    private readonly Uri? _serviceUrl;
    private readonly AwsPatience _patience;
    private readonly IPayloadRecorder? _recorder;
    private readonly List<IAwsTransport> _opened = [];

    /// <param name="credentials">Who calls; for a destination with a role, the role's.</param>
    /// <param name="region">Signing region, and the endpoint's if none is configured.</param>
    /// <param name="serviceUrl">Null takes AWS_ENDPOINT_URL_&lt;SERVICE&gt;, else AWS_ENDPOINT_URL, else the region's endpoint.</param>
    /// <param name="patience">Null is <see cref="AwsPatience.Usual"/>.</param>
    public AwsConnection(AWSCredentials credentials, string region, Uri? serviceUrl = null, AwsPatience? patience = null)
    {
        _credentials = credentials;
        _serviceUrl = serviceUrl;
        _patience = patience ?? AwsPatience.Usual;
        Region = region;
    }

    /// <summary>Sends nothing: payloads go to the recorder, and every call counts as accepted.</summary>
    public AwsConnection(IPayloadRecorder recorder, string region)
        : this(new AnonymousAWSCredentials(), region)
    {
        _recorder = recorder;
    }

    public string Region { get; }

    internal bool Records => _recorder is not null;

    public void Dispose()
    {
        lock (_opened)
        {
            foreach (var transport in _opened)
                transport.Dispose();
            _opened.Clear();
        }
    }

    /// <param name="service">Which service.</param>
    /// <param name="retries">Which failures are repeated.</param>
    /// <param name="timeout">Of one attempt.</param>
    /// <param name="region">Null takes the connection's.</param>
    internal IAwsTransport Open(AwsService service, AwsRetries retries, TimeSpan timeout, string? region = null)
    {
        IAwsTransport transport = _recorder is null
            ? new AwsServiceClient(service, _credentials, new AwsClientSettings(region ?? Region) { ServiceUrl = _serviceUrl, Retries = retries, Timeout = _patience.Limit(timeout), LongestPause = _patience.LongestPause })
            : new RecordingTransport(_recorder);
        lock (_opened)
            _opened.Add(transport);
        return transport;
    }

    private sealed class RecordingTransport(IPayloadRecorder recorder) : IAwsTransport
    {
        public Task<Stream> OpenStreamAsync(AwsRequest request, CancellationToken cancellationToken)
        {
            Record(request);
            return Task.FromResult<Stream>(new MemoryStream(request.RecordedAnswer.ToArray(), writable: false));
        }

        public Task<AwsResponse> SendAsync(AwsRequest request, CancellationToken cancellationToken)
        {
            Record(request);
            var response = AwsResponse.Create(null, request.RecordedAnswer);
            response.HttpStatusCode = HttpStatusCode.OK;
            return Task.FromResult(response);
        }

        public void Dispose()
        {
            // The recorder belongs to whoever made it.
        }

        private void Record(AwsRequest request)
        {
            if (request.Recorded is { } payload)
                recorder.Record(payload.Span);
        }
    }
}
