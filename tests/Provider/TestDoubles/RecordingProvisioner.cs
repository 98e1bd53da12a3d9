using System.Collections.Concurrent;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider.Tests.TestDoubles;

/// <summary>Gives out ports and notes what it was asked; each step can be made to fail or to hang.</summary>
internal sealed class RecordingProvisioner : IListenerProvisioner
{
    private int _nextPort = 40_000;

    public ConcurrentQueue<string> Calls { get; } = new();

    public Func<ListenerRecord, CancellationToken, Task> Serve { get; set; } = (_, _) => Task.CompletedTask;

    public Func<CancellationToken, Task> Release { get; set; } = _ => Task.CompletedTask;

    public Func<int?, Task<int>>? Allocate { get; set; }

    public async Task<ListenerPorts> AllocatePortAsync(string physicalResourceId, string logicalResourceId, ListenerDefinition definition, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"allocate {physicalResourceId}");
        return new ListenerPorts(Allocate is not null ? await Allocate(definition.Port) : definition.Port ?? Interlocked.Increment(ref _nextPort));
    }

    public Task WaitUntilServedAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"serve {record.PhysicalResourceId}");
        return Serve(record, cancellationToken);
    }

    public Task ReleaseAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"release {record.PhysicalResourceId}");
        return Release(cancellationToken);
    }
}
