using System.Text.Json.Nodes;

namespace UdpGateway.Aws.Tests;

/// <summary>A table of its own for one test, as the provider's stack declares it.</summary>
internal sealed class MotoTable(MotoServer moto) : IDisposable
{
    private readonly List<AwsConnection> _connections = [];
    private bool _exists;

    public string Name { get; } = $"gateway-{Guid.NewGuid():N}";

    public AwsConnection Connect(Uri url)
    {
        var connection = new AwsConnection(moto.Administrator, TestEnvironment.Region, url);
        _connections.Add(connection);
        return connection;
    }

    /// <summary>A connection, once the table is there.</summary>
    public async Task<AwsConnection> ConnectAsync()
    {
        if (!_exists)
            await CreateAsync();
        _exists = true;
        return Connect(moto.Url);
    }

    /// <summary>Everything in it.</summary>
    public async Task<string> DumpAsync() => (await SendAsync("Scan", new JsonObject { ["TableName"] = Name })).ToJsonString();

    /// <summary>Gives the record of a listener a content that this version never writes.</summary>
    public Task OverwriteListenerAsync(string physicalResourceId, string content) => SendAsync("UpdateItem", new JsonObject
    {
        ["TableName"] = Name,
        ["Key"] = new JsonObject { ["PK"] = Text("configuration"), ["SK"] = Text($"Listener#{physicalResourceId}") },
        ["UpdateExpression"] = "SET Content = :content",
        ["ExpressionAttributeValues"] = new JsonObject { [":content"] = Text(content) },
    });

    public void Dispose() => _connections.ForEach(connection => connection.Dispose());

    private Task<JsonNode> CreateAsync() => SendAsync("CreateTable", new JsonObject
    {
        ["TableName"] = Name,
        ["BillingMode"] = "PAY_PER_REQUEST",
        ["AttributeDefinitions"] = new JsonArray(Attribute("PK"), Attribute("SK")),
        ["KeySchema"] = new JsonArray(Key("PK", "HASH"), Key("SK", "RANGE")),
    });

    private async Task<JsonNode> SendAsync(string operation, JsonObject body)
    {
        using var client = new AwsServiceClient(
            new AwsService("DynamoDB", "dynamodb", "dynamodb"), moto.Administrator, new AwsClientSettings(TestEnvironment.Region) { ServiceUrl = moto.Url });
        var response = await client.SendAsync(
            new TableCall { Method = HttpMethod.Post, Headers = AwsJson.Headers($"DynamoDB_20120810.{operation}", "1.0"), Body = System.Text.Encoding.UTF8.GetBytes(body.ToJsonString()) }, default);
        return JsonNode.Parse(response.Body.Span)!;
    }

    private static JsonObject Text(string value) => new() { ["S"] = value };

    private static JsonObject Attribute(string name) => new() { ["AttributeName"] = name, ["AttributeType"] = "S" };

    private static JsonObject Key(string name, string type) => new() { ["AttributeName"] = name, ["KeyType"] = type };

    private sealed class TableCall : AwsRequest;
}
