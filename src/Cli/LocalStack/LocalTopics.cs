using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Primitives;
using UdpGateway.Cli.LocalLambda;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Cli.LocalStack;

/// <summary>Sends the packets of one message through the listener of that name.</summary>
internal delegate Task PushPackets(string listenerName, string message, CancellationToken cancellationToken);

/// <summary>
/// Amazon SNS for the template's topics: Publish and PublishBatch of the Query API on the loopback interface. What the packet sources'
/// subscriptions would let through goes to the gateway at once. Calls for other topics go to AWS_ENDPOINT_URL if that is set.
/// Signatures are not checked: whoever reaches the loopback interface may call.
/// </summary>
/// <remarks>Source: Amazon SNS API Reference, version 2010-03-31, "Publish" and "PublishBatch".</remarks>
internal sealed partial class LocalTopics : IAsyncDisposable
{
    /// <summary>The variable by which SDKs find the endpoint.</summary>
    public const string EndpointVariable = "AWS_ENDPOINT_URL_SNS";

    private const string AttributeName = "EgressRegion";
    private const int MaxMessageBytes = 262_144;

    /// <summary>A batch whose every byte is escaped.</summary>
    private const int MaxBodyBytes = 4 * MaxMessageBytes;

    private const int MaxBatchEntries = 10;

    private static readonly XNamespace Xml = "http://sns.amazonaws.com/doc/2010-03-31/";

    private readonly WebApplication _server;
    private readonly HttpClient _forwarding = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false });
    private readonly string _region;
    private readonly IListenerStore _store;
    private readonly Uri? _awsEndpoint;
    private readonly ILogger<LocalTopics> _logger;

    private LocalTopics(IReadOnlySet<string> topicArns, string region, IListenerStore store, Uri? awsEndpoint, ILogger<LocalTopics> logger)
    {
        TopicArns = topicArns;
        _region = region;
        _store = store;
        _awsEndpoint = awsEndpoint;
        _logger = logger;
        _server = LoopbackServer.Build(limits => limits.MaxRequestBodySize = MaxBodyBytes);
        _server.Run(AnswerAsync);
    }

    public Uri Endpoint { get; private set; } = null!;

    /// <summary>The template's topics; they change with it.</summary>
    public IReadOnlySet<string> TopicArns { get; set; }

    /// <summary>Set when the gateway runs; functions run only after that.</summary>
    public PushPackets Push { get; set; } = (_, _, _) => Task.CompletedTask;

    public static async Task<LocalTopics> StartAsync(
        IReadOnlySet<string> topicArns, string region, IListenerStore store, Uri? awsEndpoint, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var topics = new LocalTopics(topicArns, region, store, awsEndpoint, loggers.CreateLogger<LocalTopics>());
        topics.Endpoint = await topics._server.StartAtAsync(cancellationToken);
        return topics;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAndDisposeAsync();
        _forwarding.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        // No web page has business here, also not by a name server that points to this address.
        if (context.Request.Host.Host is not ("127.0.0.1" or "localhost") || context.Request.Headers.Origin.Count > 0)
        {
            context.Response.StatusCode = StatusCodes.Status403Forbidden;
            return;
        }

        if (await RequestBody.ReadAsync(context.Request, MaxBodyBytes, context.RequestAborted) is not { } body)
        {
            await FailAsync(context, 413, "InvalidParameter", $"The request is longer than {MaxBodyBytes} bytes.");
            return;
        }

        var form = new Form(QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body)));
        var topicArn = form["TopicArn"] ?? form["TargetArn"] ?? string.Empty;
        switch (form["Action"])
        {
            case "Publish" when TopicArns.Contains(topicArn):
                await PublishAsync(context, topicArn, form);
                break;
            case "PublishBatch" when TopicArns.Contains(topicArn):
                await PublishBatchAsync(context, topicArn, form);
                break;
            case not null when _awsEndpoint is not null:
                await ForwardAsync(context, body);
                break;
            case "Publish" or "PublishBatch":
                await FailAsync(context, 404, "NotFound", $"Topic does not exist: {topicArn} is none of the template, and AWS_ENDPOINT_URL is not set.");
                break;
            case var action:
                await FailAsync(context, 400, "InvalidAction", $"{action ?? "No action"} is not served here; Publish and PublishBatch are.");
                break;
        }
    }

    private async Task PublishAsync(HttpContext context, string topicArn, Form form)
    {
        if (FindProblem(form["Message"]) is { } problem)
        {
            await FailAsync(context, 400, "InvalidParameter", problem);
            return;
        }

        await DeliverAsync(topicArn, form["Message"]!, form, prefix: "", context.RequestAborted);
        await AnswerAsync(context, 200, "Publish", new XElement(Xml + "MessageId", Guid.NewGuid()));
    }

    private async Task PublishBatchAsync(HttpContext context, string topicArn, Form form)
    {
        var successful = new XElement(Xml + "Successful");
        var failed = new XElement(Xml + "Failed");
        for (var number = 1; form[string.Create(CultureInfo.InvariantCulture, $"PublishBatchRequestEntries.member.{number}.Id")] is { } id; number++)
        {
            var prefix = string.Create(CultureInfo.InvariantCulture, $"PublishBatchRequestEntries.member.{number}.");
            var message = form[prefix + "Message"];
            if (number > MaxBatchEntries)
            {
                await FailAsync(context, 400, "TooManyEntriesInBatchRequest", $"A batch has at most {MaxBatchEntries} entries.");
                return;
            }

            if (FindProblem(message) is { } problem)
            {
                failed.Add(new XElement(Xml + "member", new XElement(Xml + "Id", id), new XElement(Xml + "Code", "InvalidParameter"), new XElement(Xml + "Message", problem), new XElement(Xml + "SenderFault", "true")));
                continue;
            }

            await DeliverAsync(topicArn, message!, form, prefix, context.RequestAborted);
            successful.Add(new XElement(Xml + "member", new XElement(Xml + "Id", id), new XElement(Xml + "MessageId", Guid.NewGuid())));
        }

        if (!successful.HasElements && !failed.HasElements)
            await FailAsync(context, 400, "EmptyBatchRequest", "The batch has no entries.");
        else
            await AnswerAsync(context, 200, "PublishBatch", failed, successful);
    }

    private static string? FindProblem(string? message) =>
        string.IsNullOrEmpty(message) ? "Invalid parameter: Empty message"
        : Encoding.UTF8.GetByteCount(message) > MaxMessageBytes ? "Invalid parameter: Message too long"
        : null;

    /// <summary>What a subscription with the filter policy on EgressRegion would get.</summary>
    private async Task DeliverAsync(string topicArn, string message, Form form, string prefix, CancellationToken cancellationToken)
    {
        var sources = (await _store.ReadConfigurationAsync(cancellationToken)).PacketSources.Where(source => source.TopicArn == topicArn).ToList();
        if (sources.Count == 0)
            return;
        var regions = ReadRegions(form, prefix);
        if (regions is null)
        {
            Log.NoEgressRegion(_logger, topicArn, _region);
            return;
        }

        if (!regions.Contains(_region))
        {
            Log.OtherEgressRegion(_logger, topicArn, string.Join(", ", regions), _region);
            return;
        }

        foreach (var source in sources)
        {
            if (source.Enabled)
                await Push(source.ListenerName, message, cancellationToken);
            else
                Log.Disabled(_logger, topicArn, source.LogicalResourceId);
        }
    }

    /// <summary>Null without the attribute.</summary>
    private static string[]? ReadRegions(Form form, string prefix)
    {
        for (var number = 1; form[string.Create(CultureInfo.InvariantCulture, $"{prefix}MessageAttributes.entry.{number}.Name")] is { } name; number++)
        {
            var value = string.Create(CultureInfo.InvariantCulture, $"{prefix}MessageAttributes.entry.{number}.Value.");
            if (name != AttributeName || form[value + "StringValue"] is not { } text)
                continue;
            if (form[value + "DataType"] != "String.Array")
                return [text];
            try
            {
                return JsonSerializer.Deserialize<string[]>(text) ?? [];
            }
            catch (JsonException)
            {
                // SNS matches nothing then.
                return [];
            }
        }

        return null;
    }

    private async Task ForwardAsync(HttpContext context, byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _awsEndpoint) { Content = new ByteArrayContent(body) };
        foreach (var header in context.Request.Headers.Where(header => header.Key is not ("Host" or "Content-Length" or "Connection" or "Transfer-Encoding" or "Expect")))
        {
            if (!request.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string>)header.Value!))
                request.Content.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string>)header.Value!);
        }

        try
        {
            using var response = await _forwarding.SendAsync(request, context.RequestAborted);
            context.Response.StatusCode = (int)response.StatusCode;
            context.Response.ContentType = response.Content.Headers.ContentType?.ToString();
            await response.Content.CopyToAsync(context.Response.Body, context.RequestAborted);
        }
        catch (HttpRequestException exception)
        {
            await FailAsync(context, 503, "ServiceUnavailable", $"AWS_ENDPOINT_URL cannot be reached: {exception.Message}");
        }
    }

    private static Task FailAsync(HttpContext context, int status, string code, string message) => WriteAsync(context, status, new XElement(
        Xml + "ErrorResponse",
        new XElement(Xml + "Error", new XElement(Xml + "Type", status < 500 ? "Sender" : "Receiver"), new XElement(Xml + "Code", code), new XElement(Xml + "Message", message)),
        new XElement(Xml + "RequestId", Guid.NewGuid())));

    private static Task AnswerAsync(HttpContext context, int status, string action, params object[] result) => WriteAsync(context, status, new XElement(
        Xml + (action + "Response"),
        new XElement(Xml + (action + "Result"), result),
        new XElement(Xml + "ResponseMetadata", new XElement(Xml + "RequestId", Guid.NewGuid()))));

    private static Task WriteAsync(HttpContext context, int status, XElement document)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/xml";
        return context.Response.WriteAsync(document.ToString(SaveOptions.DisableFormatting), context.RequestAborted);
    }

    /// <summary>A form's fields, each once.</summary>
    private sealed class Form(Dictionary<string, StringValues> fields)
    {
        public string? this[string name] => fields.TryGetValue(name, out var values) ? (string?)values : null;
    }

    private static partial class Log
    {
        [LoggerMessage(3201, LogLevel.Warning, "A message to {Topic} has no message attribute EgressRegion: it matches no packet source and is lost, here as on AWS. Publish it with EgressRegion (String) = {Region}, the IngressRegion of the client's packets.")]
        public static partial void NoEgressRegion(ILogger logger, string topic, string region);

        [LoggerMessage(3202, LogLevel.Warning, "A message to {Topic} names the EgressRegion {Given}, and this gateway is in {Region}: it was not sent")]
        public static partial void OtherEgressRegion(ILogger logger, string topic, string given, string region);

        [LoggerMessage(3203, LogLevel.Warning, "A message to {Topic} was not sent: the packet source {Source} is not Enabled")]
        public static partial void Disabled(ILogger logger, string topic, string source);
    }
}

/// <summary>Packet sources of local mode: topics are served in this process, so nothing has to be made.</summary>
/// <param name="topicArns">The template's topics.</param>
internal sealed class LocalPacketSources(IReadOnlySet<string> topicArns, Action<string> say) : UdpGateway.Provider.IPacketSourceProvisioner
{
    public Task<PacketSourceRecord> ProvisionAsync(PacketSourceRecord record, CancellationToken cancellationToken)
    {
        if (!topicArns.Contains(record.TopicArn))
            say($"note: {record.LogicalResourceId}: {record.TopicArn} is no topic of the template, so that nothing can be published to it here.");
        return Task.FromResult(record);
    }

    public Task UnsubscribeAsync(PacketSourceRecord former, CancellationToken cancellationToken) => Task.CompletedTask;

    public Task ReleaseAsync(PacketSourceRecord record, CancellationToken cancellationToken) => Task.CompletedTask;
}
