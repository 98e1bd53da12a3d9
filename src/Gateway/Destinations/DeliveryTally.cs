namespace UdpGateway.Gateway.Destinations;

/// <summary>What became of a batch's packets. Several calls may report at a time.</summary>
internal sealed class DeliveryTally
{
    private readonly Lock _gate = new();
    private readonly List<FailedPacket> _failed = [];
    private int _retried;

    public void Fail(int packet, string problem)
    {
        lock (_gate)
        {
            _failed.Add(new FailedPacket(packet, problem));
        }
    }

    public void Fail<T>(IReadOnlyList<Entry<T>> entries, string problem)
    {
        foreach (var entry in entries)
            Fail(entry.Packet, problem);
    }

    public void Retry(int packets) => Interlocked.Add(ref _retried, packets);

    public DeliveryOutcome Outcome(int packets)
    {
        lock (_gate)
        {
            if (_failed.Count == 0)
                return new DeliveryOutcome(DeliveryResult.Delivered, FailedPackets: 0, Retried: _retried);
            var problem = _failed.Count == packets ? _failed[0].Reason : $"{_failed.Count} of its packets were not: {_failed[0].Reason}";
            return new DeliveryOutcome(DeliveryResult.Failed, Problem: problem, FailedPackets: _failed.Count, Retried: _retried) { Failed = [.. _failed] };
        }
    }
}
