using UdpGateway.Listeners.Storage;

namespace UdpGateway.Listeners.Tests.Storage;

/// <summary>A sentence of the store's contract.</summary>
public sealed class StoreFactAttribute : FactAttribute;

public sealed class EmbeddedStoreContractTests : ListenerStoreContract, IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"udpgw-store-{Guid.NewGuid():N}");
    private EmbeddedStore? _store;

    public void Dispose()
    {
        _store?.Dispose();
        if (Directory.Exists(_directory))
            Directory.Delete(_directory, recursive: true);
    }

    protected override Task<IListenerStore> OpenAsync()
    {
        _store?.Dispose();
        return Task.FromResult<IListenerStore>(_store = new EmbeddedStore(_directory));
    }
}
