namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>The sample open-wireguard as it is, served for several test classes.</summary>
public sealed class OpenEndpoint : IAsyncLifetime
{
    internal const string Collection = "open endpoint";

    private Workspace? _workspace;
    private RunningStack? _stack;

    internal RunningStack Stack => _stack!;

    public async Task InitializeAsync()
    {
        _workspace = new Workspace();
        _stack = await RunningStack.UpAsync(_workspace, Repository.Sample("open-wireguard"));
    }

    public async Task DisposeAsync()
    {
        if (_stack is not null)
            await _stack.DisposeAsync();
        _workspace?.Dispose();
    }
}

[CollectionDefinition(OpenEndpoint.Collection)]
public sealed class OpenEndpointDefinition : ICollectionFixture<OpenEndpoint>;
