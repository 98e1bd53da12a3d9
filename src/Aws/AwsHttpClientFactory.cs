using System.Globalization;
using Amazon;
using Amazon.Runtime;

namespace UdpGateway.Aws;

/// <summary>
/// Makes the HttpClients of all AWS clients in the process. Bodies are read into memory asynchronously before the SDK sees the
/// response, because it parses them synchronously, applies no timeout to them, and on cancellation disposes them from another thread.
/// </summary>
public sealed class AwsHttpClientFactory : HttpClientFactory
{
    /// <summary>Above the largest answer of any operation that we call (Lambda's 6 MB, with room for its encoding).</summary>
    public const int MaxResponseBytes = 32 << 20;

    private const string EventStreamType = "application/vnd.amazon.eventstream";

    // Address changes of the endpoints are seen within this time.
    private static readonly TimeSpan ConnectionLifetime = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(100);
    private static readonly TimeSpan DefaultConnectTimeout = TimeSpan.FromSeconds(5);

    // Each caller bounds its own calls, a destination by its concurrency. A bound that all share would let one whose calls hang, on a
    // host that others call too, keep them waiting for a connection. (.NET raises the limit of open files to what the system permits.)
    private const int DefaultMaxConnections = int.MaxValue;

    private static readonly AwsHttpClientFactory Instance = new();

    private static readonly HttpRequestOptionsKey<ReadOnlyMemory<byte>> BodyKey = new(nameof(BodyKey));

    private AwsHttpClientFactory()
    {
    }

    /// <summary>
    /// Sets <see cref="AWSConfigs.HttpClientFactory"/>. A client that exists already keeps what it has, so a program that resolves
    /// credentials before it makes its first client calls this first; the clients of this assembly do it themselves.
    /// </summary>
    public static void Install() => AWSConfigs.HttpClientFactory = Instance;

    /// <summary>Sends these bytes in place of the request's content, which are the same; they stay as they are until the answer has come.</summary>
    internal static void SetBody(HttpRequestMessage request, ReadOnlyMemory<byte> body) => request.Options.Set(BodyKey, body);

    public override HttpClient CreateHttpClient(IClientConfig clientConfig)
    {
        var sockets = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            PooledConnectionLifetime = ConnectionLifetime,
            ConnectTimeout = clientConfig.ConnectTimeout ?? DefaultConnectTimeout,
            MaxConnectionsPerServer = clientConfig.MaxConnectionsPerServer ?? DefaultMaxConnections,
        };
        return new HttpClient(new BufferingHandler(sockets)) { Timeout = clientConfig.Timeout ?? DefaultTimeout };
    }

    /// <summary>
    /// One HttpClient for each distinct setting that <see cref="CreateHttpClient"/> reads. With null the SDK would make one per client,
    /// and credentials that refresh would leave one behind each time.
    /// </summary>
    public override string GetConfigUniqueString(IClientConfig clientConfig) => string.Create(
        CultureInfo.InvariantCulture,
        $"{clientConfig.Timeout}|{clientConfig.ConnectTimeout}|{clientConfig.MaxConnectionsPerServer}");

    private sealed class BufferingHandler(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.Content is { } content && request.Options.TryGetValue(BodyKey, out var body))
                request.Content = Replace(content, body);
            var response = await base.SendAsync(request, cancellationToken);
            // An event stream is read as it arrives, by a caller who knows that and asked for it.
            if (response.IsSuccessStatusCode && response.Content.Headers.ContentType?.MediaType == EventStreamType)
                return response;
            try
            {
                await response.Content.LoadIntoBufferAsync(MaxResponseBytes, cancellationToken);
                return response;
            }
            catch
            {
                response.Dispose();
                throw;
            }
        }

        private static ReadOnlyMemoryContent Replace(HttpContent content, ReadOnlyMemory<byte> body)
        {
            var whole = new ReadOnlyMemoryContent(body);
            foreach (var (name, values) in content.Headers.NonValidated)
                whole.Headers.TryAddWithoutValidation(name, values);
            content.Dispose();
            return whole;
        }
    }
}
