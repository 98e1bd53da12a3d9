using UdpGateway.Gateway.Workers;

namespace UdpGateway.Gateway.Batching;

/// <summary>
/// Batches of one worker for reuse. Rented on the worker's thread, returned on any. Capped: what is over the cap, or
/// grew very large, goes to the garbage collector.
/// </summary>
internal sealed class BatchPool
{
    private const int MaxBatches = 256;
    private const long MaxBatchFootprint = 2 * 1024 * 1024;

    private static ulong _lastId = (ulong)Random.Shared.NextInt64();

    private readonly BoundedRing<PacketBatch> _free = new(MaxBatches);

    public PacketBatch Rent(WorkerListener listener)
    {
        var batch = _free.TryDequeue(out var pooled) ? pooled : new PacketBatch();
        batch.Start(Interlocked.Increment(ref _lastId), listener);
        return batch;
    }

    public void Return(PacketBatch batch)
    {
        if (batch.Footprint <= MaxBatchFootprint)
            _free.TryEnqueue(batch);
    }
}
