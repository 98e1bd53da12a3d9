using System.Security.Cryptography;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.WireGuard;

/// <summary>
/// The sample gated-wireguard with a function that answers late and notes whom it heard: there is time to do something
/// between a packet and its answer.
/// </summary>
public sealed class GatedEndpoint : IAsyncLifetime
{
    private readonly Workspace _workspace = new();
    private RunningStack? _stack;

    internal RunningStack Stack => _stack!;

    internal byte[] SharedKey { get; } = RandomNumberGenerator.GetBytes(32);

    /// <summary>The public keys of the packets that reached the function.</summary>
    internal IReadOnlyList<string> HeardBy => File.Exists(_workspace.Path("evidence")) ? File.ReadAllLines(_workspace.Path("evidence")) : [];

    public async Task InitializeAsync()
    {
        var template = _workspace.WriteVariant("gated-wireguard", Variants.WithEvidence(_workspace.Path("evidence")), Variants.WithSlowAnswer(1));
        var key = _workspace.Write("shared.key", Convert.ToBase64String(SharedKey));
        _stack = await RunningStack.UpAsync(_workspace, template, "--secret", $"WireGuardPSK={key}");
    }

    public async Task DisposeAsync()
    {
        if (_stack is not null)
            await _stack.DisposeAsync();
        _workspace.Dispose();
    }
}
