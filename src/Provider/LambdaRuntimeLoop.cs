using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace UdpGateway.Provider;

/// <summary>
/// A custom runtime's conversation with Lambda: fetch an invocation, handle it, say how it went, again. Errors are told by type
/// and sentence; what an exception of another library says could quote an event, so it goes to nobody but the log.
/// </summary>
/// <remarks>Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes", version 2018-06-01.</remarks>
internal sealed partial class LambdaRuntimeLoop : IDisposable
{
    /// <summary>Lambda reads the trace from here in managed runtimes; so do the SDK and whatever else takes part in a trace.</summary>
    private const string TraceVariable = "_X_AMZN_TRACE_ID";

    private const string ErrorTypeHeader = "Lambda-Runtime-Function-Error-Type";

    private readonly HttpClient _client;
    private readonly ILogger _logger;

    /// <param name="runtimeApi">Value of AWS_LAMBDA_RUNTIME_API: host, port and possibly a path.</param>
    public LambdaRuntimeLoop(string runtimeApi, ILogger<LambdaRuntimeLoop> logger)
    {
        // The next event may be hours away, and Lambda stops the process in between.
        _client = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false }, disposeHandler: true)
        {
            BaseAddress = new Uri($"http://{runtimeApi}/2018-06-01/runtime/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
        _logger = logger;
    }

    /// <summary>Handles invocations one after the other until it is cancelled; an invocation under way is finished first.</summary>
    /// <exception cref="HttpRequestException">The Runtime API is gone or refuses; Lambda starts a new process.</exception>
    public async Task RunAsync(Func<LambdaInvocation, Task> handle, CancellationToken cancellationToken)
    {
        while (await NextAsync(cancellationToken) is { } invocation)
        {
            try
            {
                await handle(invocation);
            }
            catch (Exception exception)
            {
                Log.Failed(_logger, exception, invocation.RequestId);
                await SendErrorAsync($"invocation/{invocation.RequestId}/error", exception);
                continue;
            }

            await PostAsync($"invocation/{invocation.RequestId}/response", "null"u8.ToArray(), errorType: null);
        }
    }

    /// <summary>Tells why the process cannot serve; it ends after that.</summary>
    public Task ReportInitErrorAsync(Exception exception) => SendErrorAsync("init/error", exception);

    public void Dispose() => _client.Dispose();

    private async Task<LambdaInvocation?> NextAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var response = await _client.GetAsync("invocation/next", cancellationToken);
            response.EnsureSuccessStatusCode();
            Environment.SetEnvironmentVariable(TraceVariable, Find(response.Headers, "Lambda-Runtime-Trace-Id"));
            return new LambdaInvocation(
                Require(response.Headers, "Lambda-Runtime-Aws-Request-Id"),
                Find(response.Headers, "Lambda-Runtime-Invoked-Function-Arn") ?? string.Empty,
                DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(Require(response.Headers, "Lambda-Runtime-Deadline-Ms"), NumberStyles.None, CultureInfo.InvariantCulture)),
                await response.Content.ReadAsByteArrayAsync(cancellationToken));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task SendErrorAsync(string path, Exception exception)
    {
        var type = exception.GetType().Name;
        var message = exception is ProviderSettingsException or ResponseUndeliveredException ? exception.Message : $"The provider failed with {type}; its log has the details.";
        using var body = new MemoryStream();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("errorType", type);
            json.WriteString("errorMessage", message);
            json.WriteStartArray("stackTrace");
            json.WriteEndArray();
            json.WriteEndObject();
        }

        await PostAsync(path, body.ToArray(), type);
    }

    private async Task PostAsync(string path, byte[] body, string? errorType)
    {
        using var content = new ByteArrayContent(body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        if (errorType is not null)
            request.Headers.Add(ErrorTypeHeader, $"Provider.{errorType}");
        using var response = await _client.SendAsync(request, CancellationToken.None);
        // Lambda answers 400 or 403 when it gave the invocation up meanwhile: nothing is left to say about it.
        if (!response.IsSuccessStatusCode)
            Log.NotAccepted(_logger, path, (int)response.StatusCode);
    }

    private static string Require(HttpResponseHeaders headers, string name) =>
        Find(headers, name) ?? throw new HttpRequestException($"The Runtime API sent an invocation without the header {name}.");

    private static string? Find(HttpResponseHeaders headers, string name) => headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static partial class Log
    {
        [LoggerMessage(2301, LogLevel.Error, "Invocation {RequestId} failed.")]
        public static partial void Failed(ILogger logger, Exception exception, string requestId);

        [LoggerMessage(2302, LogLevel.Warning, "The Runtime API did not take {Path}: HTTP status {Status}.")]
        public static partial void NotAccepted(ILogger logger, string path, int status);
    }
}
