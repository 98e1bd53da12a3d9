using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider.Tests.Emulation;

/// <summary>A table as the provider stack makes it, on moto.</summary>
internal sealed class ProviderTable : IDisposable
{
    private readonly AwsServiceClient _client;

    private ProviderTable(MotoServer moto)
    {
        _client = new AwsServiceClient(new AwsService("DynamoDB", "dynamodb", "dynamodb"), moto.Administrator, new AwsClientSettings(TestEnvironment.Region) { ServiceUrl = moto.Url });
    }

    public string Name { get; } = $"udp-gateway-{Guid.NewGuid():N}";

    public static async Task<ProviderTable> CreateAsync(MotoServer moto)
    {
        var table = new ProviderTable(moto);
        await table.CallAsync("CreateTable", new JsonObject
        {
            ["TableName"] = table.Name,
            ["BillingMode"] = "PAY_PER_REQUEST",
            ["AttributeDefinitions"] = new JsonArray(Attribute("PK"), Attribute("SK")),
            ["KeySchema"] = new JsonArray(Key("PK", "HASH"), Key("SK", "RANGE")),
        });
        return table;

        static JsonObject Attribute(string name) => new() { ["AttributeName"] = name, ["AttributeType"] = "S" };
        static JsonObject Key(string name, string type) => new() { ["AttributeName"] = name, ["KeyType"] = type };
    }

    public async Task<JsonObject?> FindEventAsync(RequestKey request)
    {
        var answer = await CallAsync("GetItem", new JsonObject { ["TableName"] = Name, ["Key"] = KeyOf(request), ["ConsistentRead"] = true });
        return answer["Item"]?.AsObject();
    }

    public Task RecordAnswerAsync(RequestKey request, string answer)
    {
        var item = KeyOf(request);
        item["EventSequence"] = new JsonObject { ["N"] = "7" };
        item["Answer"] = new JsonObject { ["B"] = Convert.ToBase64String(Encoding.UTF8.GetBytes(answer)) };
        return CallAsync("PutItem", new JsonObject { ["TableName"] = Name, ["Item"] = item });
    }

    public void Dispose() => _client.Dispose();

    private static JsonObject KeyOf(RequestKey request) => new()
    {
        ["PK"] = new JsonObject { ["S"] = $"events#{request.StackId}#{request.LogicalResourceId}" },
        ["SK"] = new JsonObject { ["S"] = $"event#{request.RequestId}" },
    };

    private async Task<JsonObject> CallAsync(string operation, JsonObject body)
    {
        var response = await _client.SendAsync(
            new TableCall
            {
                Method = HttpMethod.Post,
                Headers = [new("Content-Type", "application/x-amz-json-1.0"), new("X-Amz-Target", $"DynamoDB_20120810.{operation}")],
                Body = JsonSerializer.SerializeToUtf8Bytes(body),
            },
            CancellationToken.None);
        return JsonNode.Parse(response.Body.Span)!.AsObject();
    }

    private sealed class TableCall : AwsRequest;
}
