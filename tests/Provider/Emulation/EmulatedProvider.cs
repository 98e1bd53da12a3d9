using UdpGateway.Listeners.Storage;
using UdpGateway.Provider.Tests.TestDoubles;

namespace UdpGateway.Provider.Tests.Emulation;

/// <summary>The provider as Lambda runs it: the real program in a process of its own, with the store of local mode and a scripted provisioner.</summary>
internal sealed class EmulatedProvider : IAsyncDisposable
{
    private EmulatedProvider(LambdaEmulator lambda, ResponseEndpoint endpoint, EmulatedFunction function, string directory)
    {
        Lambda = lambda;
        Endpoint = endpoint;
        Function = function;
        DirectoryPath = directory;
    }

    public LambdaEmulator Lambda { get; }

    public ResponseEndpoint Endpoint { get; }

    public EmulatedFunction Function { get; }

    public string DirectoryPath { get; }

    public static string Program { get; } = Repository.File("tests", "Provider.TestHost", "bin", Repository.Configuration, "net10.0", "UdpGateway.Provider.TestHost.dll");

    public static async Task<EmulatedProvider> StartAsync(TimeSpan? timeout = null, TimeSpan[]? retryDelays = null, string? onFailure = null, int concurrency = 1)
    {
        var lambda = await LambdaEmulator.StartAsync();
        var directory = Path.Combine(Path.GetTempPath(), $"udpgw-provider-{Guid.NewGuid():N}");
        var function = new EmulatedFunction
        {
            Name = "provider",
            FileName = "dotnet",
            Arguments = [Program],
            // One process owns the store of local mode at a time.
            ReservedConcurrency = concurrency,
            Timeout = timeout ?? TimeSpan.FromMinutes(1),
            RetryDelays = retryDelays ?? [],
            OnFailure = onFailure,
            Environment =
            {
                ["UDPGW_ACCOUNT_ID"] = "123456789012",
                ["UDPGW_SERVICE_ROLE"] = "arn:aws:iam::123456789012:role/udp-gateway-service",
                ["UDPGW_TABLE"] = "udp-gateway",
                ["UDPGW_DOMAIN"] = "udp.example.com",
                ["AWS_ENDPOINT_URL_LAMBDA"] = lambda.Endpoint.ToString(),
                ["TESTHOST_STORE"] = directory,
            },
        };
        lambda.Add(function);
        return new EmulatedProvider(lambda, await ResponseEndpoint.StartAsync(), function, directory);
    }

    public CloudFormationEngine NewStack(string name = "fleet") => new(Lambda, Endpoint, name);

    /// <summary>Reads the store that the processes leave; they are ended first.</summary>
    public async Task<(IReadOnlyList<string> Ids, string[] SecretFiles, string AllFiles)> EndAndReadStoreAsync()
    {
        await Lambda.WhenIdleAsync();
        await Lambda.DisposeAsync();
        using var store = await OpenAsync();
        var ids = (await store.ReadConfigurationAsync(default)).Listeners.Select(record => record.PhysicalResourceId).ToArray();
        var secrets = Path.Combine(DirectoryPath, "secrets");
        var files = string.Concat(Directory.GetFiles(DirectoryPath).Where(file => file.EndsWith(".json", StringComparison.Ordinal)).Select(File.ReadAllText));
        return (ids, Directory.GetFiles(secrets), files);
    }

    public async ValueTask DisposeAsync()
    {
        await Lambda.DisposeAsync();
        await Endpoint.DisposeAsync();
        if (Directory.Exists(DirectoryPath))
            Directory.Delete(DirectoryPath, recursive: true);
    }

    // The lock of a process that was killed goes a moment after it.
    private async Task<EmbeddedStore> OpenAsync()
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return new EmbeddedStore(DirectoryPath);
            }
            catch (EmbeddedStoreException) when (attempt < 100)
            {
                await Task.Delay(50);
            }
        }
    }
}
