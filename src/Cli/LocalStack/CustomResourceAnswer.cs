using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace UdpGateway.Cli.LocalStack;

/// <summary>An answer as CloudFormation takes it.</summary>
/// <param name="PhysicalResourceId">Null only when the answer was unusable.</param>
/// <param name="Reason">Null on success.</param>
internal sealed record CustomResourceAnswer(bool Succeeded, string? PhysicalResourceId, string? Reason, JsonObject Data)
{
    private const int MaxBytes = 4096;
    private const int MaxPhysicalIdBytes = 1024;

    /// <summary>Reads the body of a PUT; what CloudFormation would refuse becomes a failure with a sentence.</summary>
    public static CustomResourceAnswer Read(byte[] body, string stackId, string requestId, string logicalId)
    {
        if (body.Length > MaxBytes)
            return Unusable($"Response object is too long: {body.Length} bytes, and CloudFormation takes {MaxBytes}.");
        JsonObject? answer;
        try
        {
            answer = JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            answer = null;
        }

        if (answer is null)
            return Unusable("The answer is no JSON object.");
        if (Text(answer, "StackId") != stackId || Text(answer, "RequestId") != requestId || Text(answer, "LogicalResourceId") != logicalId)
            return Unusable("The answer does not repeat StackId, RequestId and LogicalResourceId of its request.");
        var physicalId = Text(answer, "PhysicalResourceId");
        if (string.IsNullOrEmpty(physicalId) || Encoding.UTF8.GetByteCount(physicalId) > MaxPhysicalIdBytes)
            return Unusable($"The answer needs a PhysicalResourceId of 1 to {MaxPhysicalIdBytes} bytes.");
        return Text(answer, "Status") switch
        {
            "SUCCESS" => new CustomResourceAnswer(true, physicalId, null, answer[nameof(Data)]?.DeepClone() as JsonObject ?? []),
            "FAILED" => new CustomResourceAnswer(false, physicalId, Text(answer, "Reason") ?? "The answer FAILED gives no Reason.", []),
            _ => Unusable("The Status of the answer is neither SUCCESS nor FAILED."),
        };
    }

    public static CustomResourceAnswer Unusable(string reason) => new(false, null, reason, []);

    private static string? Text(JsonObject answer, string name) =>
        answer[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
