using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider.Tests.TestDoubles;

/// <summary>
/// The handler with real parts around it: the embedded store in a directory of its own, a real HTTP endpoint for the answers.
/// Events are built as CloudFormation builds them.
/// </summary>
internal sealed class ProviderUnderTest : IAsyncDisposable
{
    public const string StackId = "arn:aws:cloudformation:us-west-2:123456789012:stack/fleet/5b1c2f50-0000-1111-2222-333344445555";
    public const string Function = "arn:aws:lambda:us-west-2:123456789012:function:handler";
    public const string PeerKey = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

    private readonly HttpClient _client = CustomResourceHandler.CreateResponseClient();
    private int _requests;

    private ProviderUnderTest(ResponseEndpoint endpoint, ProviderOptions? options)
    {
        Endpoint = endpoint;
        Options = options ?? Local;
        Store = new EmbeddedStore(DirectoryPath);
        Handler = NewHandler(Store);
    }

    public static ProviderOptions Local { get; } = new() { Region = "us-west-2", AccountId = "123456789012", DomainName = "127.0.0.1", LocalMode = true };

    public string DirectoryPath { get; } = Path.Combine(Path.GetTempPath(), $"udpgw-provider-{Guid.NewGuid():N}");

    public ResponseEndpoint Endpoint { get; }

    public ProviderOptions Options { get; }

    public EmbeddedStore Store { get; private set; }

    public RecordingProvisioner Provisioner { get; } = new();

    public RecordingPacketSources PacketSources { get; } = new();

    public CapturedLog<CustomResourceHandler> Log { get; } = new();

    public CustomResourceHandler Handler { get; private set; }

    public static async Task<ProviderUnderTest> StartAsync(ProviderOptions? options = null) => new(await ResponseEndpoint.StartAsync(), options);

    public CustomResourceHandler NewHandler(IListenerStore store, ISecretStore? secrets = null) =>
        new(Options, store, secrets ?? Store, Provisioner, _client, TimeProvider.System, Log, PacketSources);

    /// <summary>A new process on the same directory.</summary>
    public void Restart()
    {
        Store.Dispose();
        Store = new EmbeddedStore(DirectoryPath);
        Handler = NewHandler(Store);
    }

    public async ValueTask DisposeAsync()
    {
        Store.Dispose();
        _client.Dispose();
        await Endpoint.DisposeAsync();
        Directory.Delete(DirectoryPath, recursive: true);
    }

    public static JsonObject UdpProperties() => new()
    {
        ["ServiceToken"] = "arn:aws:lambda:us-west-2:123456789012:function:provider",
        ["ApiKey"] = "api key",
        ["Name"] = "echo",
        ["Protocols"] = new JsonArray("udp"),
        ["Destinations"] = new JsonArray(new JsonObject
        {
            ["DestinationArn"] = Function,
            ["Role"] = new JsonObject { ["Arn"] = "arn:aws:iam::123456789012:role/delivery" },
            ["Batching"] = new JsonObject { ["Count"] = "10", ["TimeoutInSeconds"] = "0.1" },
            ["Arguments"] = new JsonObject { ["UseAsyncInvoke"] = "false" },
        }),
    };

    public static JsonObject WireGuardProperties()
    {
        var properties = UdpProperties();
        properties["Protocols"] = new JsonArray("wg");
        properties["AllowUnknownPeers"] = "true";
        return properties;
    }

    public JsonObject Event(string requestType, JsonObject? properties, string? physicalResourceId = null, string? requestId = null) => new()
    {
        ["RequestType"] = requestType,
        ["ServiceToken"] = "arn:aws:lambda:us-west-2:123456789012:function:provider",
        ["ResponseURL"] = Endpoint.Url(),
        ["StackId"] = StackId,
        ["RequestId"] = requestId ?? $"request-{Interlocked.Increment(ref _requests)}",
        ["LogicalResourceId"] = "Listener",
        ["ResourceType"] = "Custom::ProxylityUdpGatewayListener",
        ["ResourceProperties"] = properties ?? [],
        ["PhysicalResourceId"] = physicalResourceId,
    };

    public JsonObject Create(JsonObject properties) => Event("Create", properties);

    public JsonObject Update(string physicalResourceId, JsonObject properties) => Event("Update", properties, physicalResourceId);

    public JsonObject Delete(string physicalResourceId) => Event("Delete", null, physicalResourceId);

    /// <summary>Handles the event and returns the answer that the endpoint took.</summary>
    public async Task<Answer> SendAsync(JsonObject cloudFormationEvent, TimeSpan? timeLimit = null)
    {
        var before = Endpoint.Taken.Count;
        await HandleAsync(cloudFormationEvent, timeLimit);
        var taken = Endpoint.Taken;
        Assert.Equal(before + 1, taken.Count);
        return new Answer(taken[^1].Body);
    }

    public Task HandleAsync(JsonObject cloudFormationEvent, TimeSpan? timeLimit = null, CancellationToken cancellationToken = default) =>
        Handler.HandleAsync(JsonSerializer.SerializeToUtf8Bytes(cloudFormationEvent), DateTimeOffset.UtcNow + (timeLimit ?? TimeSpan.FromSeconds(30)), cancellationToken);

    public async Task<Answer> SucceedAsync(JsonObject cloudFormationEvent)
    {
        var answer = await SendAsync(cloudFormationEvent);
        Assert.True(answer.Succeeded, answer.Reason);
        return answer;
    }

    public async Task<Answer> FailAsync(JsonObject cloudFormationEvent, TimeSpan? timeLimit = null)
    {
        var answer = await SendAsync(cloudFormationEvent, timeLimit);
        Assert.False(answer.Succeeded);
        return answer;
    }

    public async Task<IReadOnlyList<string>> IdsAsync() => [.. (await Store.ReadConfigurationAsync(default)).Listeners.Select(record => record.PhysicalResourceId)];

    public IReadOnlyList<string> SecretFiles => Directory.GetFiles(Path.Combine(DirectoryPath, "secrets"));
}

/// <summary>An answer as CloudFormation reads it.</summary>
internal sealed class Answer
{
    private readonly JsonObject _json;

    public Answer(byte[] body)
    {
        Body = body;
        Assert.InRange(body.Length, 1, 4096);
        _json = JsonNode.Parse(body)!.AsObject();
        Assert.NotEmpty(PhysicalResourceId);
        Assert.NotNull(_json["StackId"]);
        Assert.NotNull(_json["RequestId"]);
        Assert.NotNull(_json["LogicalResourceId"]);
        Assert.Equal(Succeeded, Reason is null);
    }

    public byte[] Body { get; }

    public bool Succeeded => Text("Status") == "SUCCESS";

    public string? Reason => _json[nameof(Reason)]?.GetValue<string>();

    public string PhysicalResourceId => Text(nameof(PhysicalResourceId));

    public JsonObject Data => _json[nameof(Data)]!.AsObject();

    public int Port => Data[nameof(Port)]!.GetValue<int>();

    public string PublicKey => Data["WireGuardPublicKey"]!.GetValue<string>();

    public string Text(string name) => _json[name]!.GetValue<string>();
}
