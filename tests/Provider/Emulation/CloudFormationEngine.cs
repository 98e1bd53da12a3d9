using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Provider.Tests.TestDoubles;

namespace UdpGateway.Provider.Tests.Emulation;

/// <summary>
/// CloudFormation's side of the protocol for a stack with one custom resource: creation with rollback, update with replacement,
/// clean-up and rollback, deletion. It sends events as asynchronous invocations and knows nothing but the answers.
/// </summary>
internal sealed class CloudFormationEngine(LambdaEmulator lambda, ResponseEndpoint endpoint, string stackName = "fleet")
{
    private readonly string _stackId = $"arn:aws:cloudformation:us-west-2:123456789012:stack/{stackName}/5b1c2f50-0000-1111-2222-333344445555";
    private JsonObject _properties = [];

    public string ResourceType { get; init; } = "Custom::ProxylityUdpGatewayListener";

    public string LogicalResourceId { get; init; } = "Listener";

    public string StackId => _stackId;

    /// <summary>The function that the template's ServiceToken names.</summary>
    public string Provider { get; init; } = "provider";

    /// <summary>How long it waits for an answer.</summary>
    public TimeSpan ServiceTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Whether the ServiceToken is an SNS topic that the function subscribes to.</summary>
    public bool ThroughTopic { get; set; }

    public string? PhysicalResourceId { get; private set; }

    /// <summary>The answers in order; null where none came in time.</summary>
    public List<Answer?> Answers { get; } = [];

    /// <summary>Events as they were sent, for sending them again.</summary>
    public List<JsonObject> Sent { get; } = [];

    /// <returns>The stack's status.</returns>
    public async Task<string> CreateAsync(JsonObject properties)
    {
        var answer = await RequestAsync("Create", null, properties);
        if (answer is { Succeeded: true })
        {
            (PhysicalResourceId, _properties) = (answer.PhysicalResourceId, properties);
            return "CREATE_COMPLETE";
        }

        // Without an answer there is no id, so CloudFormation makes one up.
        var deleted = await RequestAsync("Delete", answer?.PhysicalResourceId ?? $"{stackName}-{LogicalResourceId}-1A2B3C4D5E6F", properties);
        return deleted is { Succeeded: true } ? "ROLLBACK_COMPLETE" : "ROLLBACK_FAILED";
    }

    /// <param name="rollBackAnyway">Another resource of the stack fails after this one was updated.</param>
    public async Task<string> UpdateAsync(JsonObject properties, bool rollBackAnyway = false)
    {
        var before = PhysicalResourceId!;
        var answer = await RequestAsync("Update", before, properties, _properties);
        if (answer is { Succeeded: true } && !rollBackAnyway)
        {
            (PhysicalResourceId, _properties) = (answer.PhysicalResourceId, properties);
            if (PhysicalResourceId != before)
                await RequestAsync("Delete", before, properties);
            return "UPDATE_COMPLETE";
        }

        var current = answer?.PhysicalResourceId ?? before;
        var back = await RequestAsync("Update", current, _properties, properties);
        if (back is not { Succeeded: true })
            return "UPDATE_ROLLBACK_FAILED";
        PhysicalResourceId = back.PhysicalResourceId;
        if (current != PhysicalResourceId)
            await RequestAsync("Delete", current, properties);
        return "UPDATE_ROLLBACK_COMPLETE";
    }

    public async Task<string> DeleteAsync()
    {
        var answer = await RequestAsync("Delete", PhysicalResourceId, _properties);
        return answer is { Succeeded: true } ? "DELETE_COMPLETE" : "DELETE_FAILED";
    }

    /// <summary>Delivers an event once more, with a ResponseURL of its own as a retried deployment has.</summary>
    public async Task<Answer?> SendAgainAsync(JsonObject sent)
    {
        var again = (JsonObject)sent.DeepClone();
        var token = Guid.NewGuid().ToString("N");
        again["ResponseURL"] = endpoint.Url(token);
        Send(again);
        return await AnswerAsync(token);
    }

    private async Task<Answer?> RequestAsync(string requestType, string? physicalResourceId, JsonObject properties, JsonObject? oldProperties = null)
    {
        var token = Guid.NewGuid().ToString();
        var request = new JsonObject
        {
            ["RequestType"] = requestType,
            ["ServiceToken"] = properties["ServiceToken"]?.DeepClone(),
            ["ResponseURL"] = endpoint.Url(token),
            [nameof(StackId)] = _stackId,
            ["RequestId"] = token,
            [nameof(LogicalResourceId)] = LogicalResourceId,
            [nameof(ResourceType)] = ResourceType,
            ["ResourceProperties"] = Stringify(properties),
        };
        if (physicalResourceId is not null)
            request[nameof(PhysicalResourceId)] = physicalResourceId;
        if (oldProperties is not null)
            request["OldResourceProperties"] = Stringify(oldProperties);
        Sent.Add(request);
        Send(request);
        var answer = await AnswerAsync(token);
        Answers.Add(answer);
        if (answer is not null)
        {
            Assert.Equal((_stackId, token, LogicalResourceId), (answer.Text(nameof(StackId)), answer.Text("RequestId"), answer.Text("LogicalResourceId")));
            if (requestType == "Delete")
                Assert.Equal(physicalResourceId, answer.PhysicalResourceId);
        }

        return answer;
    }

    private void Send(JsonObject request)
    {
        JsonNode payload = ThroughTopic
            ? new JsonObject { ["Records"] = new JsonArray(new JsonObject { ["EventSource"] = "aws:sns", ["Sns"] = new JsonObject { ["Message"] = request.ToJsonString() } }) }
            : request;
        lambda.SendEvent(Provider, payload.ToJsonString());
    }

    private async Task<Answer?> AnswerAsync(string token)
    {
        var deadline = DateTimeOffset.UtcNow + ServiceTimeout;
        while (DateTimeOffset.UtcNow < deadline)
        {
            if (endpoint.Taken.FirstOrDefault(taken => taken.Path == token) is { Body: { } body })
                return new Answer(body);
            await Task.Delay(20);
        }

        return null;
    }

    // Every scalar arrives as text, and what is null does not arrive.
    private static JsonNode? Stringify(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.Where(member => member.Value is not null).Select(member => KeyValuePair.Create(member.Key, Stringify(member.Value)))),
        JsonArray list => new JsonArray([.. list.Where(item => item is not null).Select(Stringify)]),
        JsonValue value when value.GetValueKind() is not JsonValueKind.String => JsonValue.Create(value.ToJsonString()),
        _ => node?.DeepClone(),
    };
}
