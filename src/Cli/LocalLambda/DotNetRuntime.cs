using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using UdpGateway.Cli.LocalLambda.Runtimes;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>
/// The process of a function with a managed .NET runtime: <c>udpgw __dotnet-runtime</c>. It loads the handler that the environment
/// names and serves invocations from the Runtime API until its standard input ends.
/// </summary>
internal static class DotNetRuntime
{
    /// <summary>The verb that <c>Program</c> dispatches to <see cref="RunAsync"/>; not for people.</summary>
    public const string Verb = "__dotnet-runtime";

    /// <param name="args">The arguments after the verb; there are none.</param>
    internal static async Task<int> RunAsync(string[] args)
    {
        if (args.Length > 0 || Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API") is not { Length: > 0 } authority)
        {
            await Console.Error.WriteLineAsync($"{Verb} is started by 'udpgw up' for .NET functions.");
            return 1;
        }

        ProcessGroup.Lead();
        ExitWithParent();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
        var root = $"http://{authority}/2018-06-01/runtime/";

        Func<Stream, Task<Stream>> handler;
        try
        {
            handler = DotNetHandler.Load(Environment.GetEnvironmentVariable("LAMBDA_TASK_ROOT")!, Environment.GetEnvironmentVariable("_HANDLER")!);
        }
        catch (Exception exception)
        {
            // Whatever the function's constructor throws becomes the answer to the invocation that waits.
            await Console.Error.WriteLineAsync(exception.ToString());
            await PostErrorAsync(http, root + "init/error", exception);
            return 1;
        }

        try
        {
            await ServeAsync(http, root, handler);
        }
        catch (HttpRequestException)
        {
            // The service is gone, and this process has no other purpose.
        }

        return 1;
    }

    private static async Task ServeAsync(HttpClient http, string root, Func<Stream, Task<Stream>> handler)
    {
        while (true)
        {
            using var next = await http.GetAsync(root + "invocation/next");
            if (next.StatusCode != HttpStatusCode.OK) return;
            await HandleAsync(http, root, handler, next);
        }
    }

    private static async Task HandleAsync(HttpClient http, string root, Func<Stream, Task<Stream>> handler, HttpResponseMessage next)
    {
        var requestId = next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single();
        Environment.SetEnvironmentVariable("_X_AMZN_TRACE_ID", next.Headers.GetValues("Lambda-Runtime-Trace-Id").Single());
        Stream output;
        try
        {
            output = await handler(new MemoryStream(await next.Content.ReadAsByteArrayAsync(), writable: false));
        }
        catch (Exception exception)
        {
            // The function's failure belongs to its caller; the process goes on, as on Lambda.
            await Console.Error.WriteLineAsync(exception.ToString());
            await PostErrorAsync(http, $"{root}invocation/{requestId}/error", exception);
            return;
        }

        using var content = new StreamContent(output);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        using var answer = await http.PostAsync($"{root}invocation/{requestId}/response", content);
    }

    private static async Task PostErrorAsync(HttpClient http, string address, Exception exception)
    {
        using var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(Describe(exception)));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        content.Headers.Add("Lambda-Runtime-Function-Error-Type", exception is DotNetHandlerException ? "Runtime.InvalidHandler" : exception.GetType().Name);
        using var answer = await http.PostAsync(address, content);
    }

    private static Dictionary<string, object> Describe(Exception exception)
    {
        var description = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["errorType"] = exception is DotNetHandlerException ? "Runtime.InvalidHandler" : exception.GetType().Name,
            ["errorMessage"] = exception.Message,
            ["stackTrace"] = exception.StackTrace?.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) ?? [],
        };
        if (exception.InnerException is { } cause) description["cause"] = Describe(cause);
        return description;
    }

    private static void ExitWithParent() => new Thread(() =>
    {
        // The parent never writes: reading ends when the parent does, whatever killed it.
        using var input = Console.OpenStandardInput();
        while (input.ReadByte() >= 0)
        {
            // Nothing to do with it.
        }

        ProcessGroup.KillOwn();
    })
    { IsBackground = true, Name = "parent watch" }.Start();
}
