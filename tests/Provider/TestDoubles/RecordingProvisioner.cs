using System.Collections.Concurrent;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider.Tests.TestDoubles;

/// <summary>Gives out ports and notes what it was asked; each step can be made to fail or to hang.</summary>
internal sealed class RecordingProvisioner : IListenerProvisioner
{
    private int _nextPort = 40_000;

    public ConcurrentQueue<string> Calls { get; } = new();

    public Func<ListenerRecord, CancellationToken, Task> Serve { get; set; } = (_, _) => Task.CompletedTask;

    public Func<int?, Task<int>>? Allocate { get; set; }

    public Task<int> AllocatePortAsync(string physicalResourceId, string logicalResourceId, int? requestedPort, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"allocate {physicalResourceId}");
        return Allocate is not null ? Allocate(requestedPort) : Task.FromResult(requestedPort ?? Interlocked.Increment(ref _nextPort));
    }

    public Task WaitUntilServedAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"serve {record.PhysicalResourceId}");
        return Serve(record, cancellationToken);
    }

    public Task ReleaseAsync(ListenerRecord record, CancellationToken cancellationToken)
    {
        Calls.Enqueue($"release {record.PhysicalResourceId}");
        return Task.CompletedTask;
    }
}
