using Amazon.Runtime;
using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Gateway;

/// <summary>Where the gateway program finds its listeners and their keys.</summary>
internal sealed class GatewayStores : IDisposable
{
    // Shorter than what a poll may wait before it is a fault that the log tells: serving goes on meanwhile.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly IReadOnlyList<IDisposable> _owned;

    private GatewayStores(IListenerStore listeners, ISecretStore secrets, params IReadOnlyList<IDisposable> owned)
    {
        Listeners = listeners;
        Secrets = secrets;
        _owned = owned;
    }

    public IListenerStore Listeners { get; }

    public ISecretStore Secrets { get; }

    /// <summary>An embedded store, which this process then owns.</summary>
    public static GatewayStores InDirectory(string path)
    {
        var store = new EmbeddedStore(path);
        return new GatewayStores(store, store, store);
    }

    /// <summary>The provider's table and Secrets Manager.</summary>
    public static GatewayStores OnAws(AWSCredentials credentials, string region, string tableName)
    {
        var connection = new AwsConnection(credentials, region);
        var secrets = new SecretsManagerSecretStore(credentials, region);
        return new GatewayStores(new DynamoDbListenerStore(connection, tableName, Patience) { PassesOverUnreadable = true }, secrets, connection, secrets);
    }

    public void Dispose()
    {
        foreach (var owned in _owned)
            owned.Dispose();
    }
}
