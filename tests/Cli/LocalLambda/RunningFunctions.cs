using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using Microsoft.Extensions.Logging;
using UdpGateway.Cli.LocalLambda;

namespace UdpGateway.Cli.Tests.LocalLambda;

/// <summary>A local Lambda service with its own state directory and a client for it; everything is gone afterwards.</summary>
internal sealed class RunningFunctions : IAsyncDisposable
{
    public const string AccountId = "123456789012";

    private readonly DirectoryInfo _state;

    private RunningFunctions(DirectoryInfo state, LocalLambdaHost host, RecordedLog log)
    {
        _state = state;
        Host = host;
        Log = log;
        Client = new HttpClient { BaseAddress = host.Endpoint, Timeout = TimeSpan.FromMinutes(1) };
    }

    public LocalLambdaHost Host { get; }

    public HttpClient Client { get; }

    public RecordedLog Log { get; }

    public string StateDirectory => _state.FullName;

    public static Task<RunningFunctions> StartAsync(params LocalFunction[] functions) => StartAsync(options => options, functions);

    public static async Task<RunningFunctions> StartAsync(Func<LocalLambdaOptions, LocalLambdaOptions> change, params LocalFunction[] functions)
    {
        var state = Directory.CreateTempSubdirectory("udpgw-lambda-");
        var log = new RecordedLog();
        var options = change(new LocalLambdaOptions
        {
            StateDirectory = state.FullName,
            Region = "us-west-2",
            AccountId = AccountId,
            EventRetryDelays = [TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(100)],
            InitTimeout = TimeSpan.FromSeconds(60),
        });
        try
        {
            return new RunningFunctions(state, await LocalLambdaHost.StartAsync(options, functions, log, CancellationToken.None), log);
        }
        catch
        {
            state.Delete(recursive: true);
            throw;
        }
    }

    public static LocalFunction Python(string code, string name = "Echo") => new()
    {
        LogicalId = name,
        FunctionName = name,
        Runtime = "python3.13",
        Handler = "index.handler",
        InlineCode = code,
        Timeout = TimeSpan.FromSeconds(30),
    };

    public static LocalFunction Node(string code, string name = "Echo") =>
        Python(code, name) with { Runtime = "nodejs22.x" };

    public Task<HttpResponseMessage> InvokeAsync(string function, string payload, string invocationType = "RequestResponse") =>
        InvokeAsync(function, Encoding.UTF8.GetBytes(payload), invocationType);

    public async Task<HttpResponseMessage> InvokeAsync(string function, byte[] payload, string invocationType = "RequestResponse")
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/2015-03-31/functions/{Uri.EscapeDataString(function)}/invocations");
        request.Content = new ByteArrayContent(payload);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("X-Amz-Invocation-Type", invocationType);
        return await Client.SendAsync(request);
    }

    /// <summary>The function's answer as text; fails when the invocation did.</summary>
    public async Task<string> AskAsync(string function, string payload)
    {
        using var response = await InvokeAsync(function, payload);
        var body = await response.Content.ReadAsStringAsync();
        Assert.False(response.Headers.Contains("X-Amz-Function-Error"), $"{body}\n{Log}");
        Assert.Equal(200, (int)response.StatusCode);
        return body;
    }

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, $"Waited in vain: {what}.");
            await Task.Delay(20);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Host.DisposeAsync();
        _state.Delete(recursive: true);
    }
}

/// <summary>Keeps what is logged, with the category before the message.</summary>
internal sealed class RecordedLog : ILoggerFactory
{
    private readonly ConcurrentQueue<string> _lines = new();

    public IReadOnlyCollection<string> Lines => _lines;

    public ILogger CreateLogger(string categoryName) => new Category(categoryName, _lines);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException("There is one log.");

    public void Dispose()
    {
        // There is nothing to release.
    }

    public override string ToString() => string.Join('\n', _lines);

    private sealed class Category(string name, ConcurrentQueue<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        // The web server's own news are not what the tests look for.
        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning || !name.StartsWith("Microsoft.", StringComparison.Ordinal);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) lines.Enqueue($"{name}: {formatter(state, exception)}{(exception is null ? "" : $"\n{exception}")}");
        }
    }
}
