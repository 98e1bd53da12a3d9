using System.Text.Json.Nodes;

namespace UdpGateway.Cli.Tests.LocalStack;

/// <summary>Stands where CloudFormation would invoke a provider; answers by PUT, as the test decides.</summary>
internal sealed class RecordingProvider : IDisposable
{
    private readonly HttpClient _client = new();

    public List<JsonObject> Events { get; } = [];

    /// <summary>Gives Status, PhysicalResourceId, Reason and Data; null gives no answer at all.</summary>
    public Func<JsonObject, JsonObject?> Answer { get; set; } = request => Success(request, $"{request["LogicalResourceId"]}-1");

    public IEnumerable<string> Log => Events.Select(request => $"{request["RequestType"]} {request["PhysicalResourceId"] ?? request["LogicalResourceId"]}");

    public async Task HandleAsync(ReadOnlyMemory<byte> cloudFormationEvent, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        var request = (JsonObject)JsonNode.Parse(cloudFormationEvent.Span)!;
        Events.Add(request);
        if (Answer(request) is not { } answer)
            return;
        foreach (var name in (string[])["StackId", "RequestId", "LogicalResourceId"])
            answer.TryAdd(name, request[name]!.DeepClone());
        using var content = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(answer.ToJsonString()));
        using var response = await _client.PutAsync(new Uri(request["ResponseURL"]!.ToString()), content, cancellationToken);
        response.EnsureSuccessStatusCode();
    }

    public static JsonObject Success(JsonObject request, string physicalId) => new()
    {
        ["Status"] = "SUCCESS",
        ["PhysicalResourceId"] = request["PhysicalResourceId"]?.DeepClone() ?? physicalId,
        ["Data"] = new JsonObject { ["Port"] = 4242, ["DestinationNames"] = new JsonArray("a", "b") },
    };

    public static JsonObject Failure(string physicalId, string reason) => new() { ["Status"] = "FAILED", ["PhysicalResourceId"] = physicalId, ["Reason"] = reason };

    public void Dispose() => _client.Dispose();
}
