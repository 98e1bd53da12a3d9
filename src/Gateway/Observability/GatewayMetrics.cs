using Prometheus;
using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Observability;

/// <summary>
/// Every metric of the gateway. Packets are counted as plain numbers by the workers and copied here when somebody
/// scrapes. Labels: <c>listener</c> is the physical resource id, <c>destination</c> its name, <c>reason</c> a
/// <see cref="DropReason"/>; nothing is labelled by client.
/// </summary>
internal sealed class GatewayMetrics
{
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly Counter _packetsReceived;
    private readonly Counter _bytesReceived;
    private readonly Counter _packetsSent;
    private readonly Counter _bytesSent;
    private readonly Counter _drops;
    private readonly Counter _handshakes;
    private readonly Gauge _peers;
    private readonly Counter _batches;
    private readonly Counter _packetsSkipped;
    private readonly Counter _deliveredPackets;
    private readonly Counter _retriedPackets;
    private readonly Counter _deadLetters;
    private readonly Gauge _queuedPackets;
    private readonly Histogram _deliverySeconds;
    private readonly Gauge _listeners;
    private readonly Gauge _revision;

    public GatewayMetrics()
    {
        var factory = Metrics.WithCustomRegistry(_registry);
        _packetsReceived = factory.CreateCounter("udpgw_packets_received_total", "Datagrams taken from the listener's sockets.", "listener");
        _bytesReceived = factory.CreateCounter("udpgw_bytes_received_total", "Their payload bytes.", "listener");
        _packetsSent = factory.CreateCounter("udpgw_packets_sent_total", "Datagrams that the kernel took for sending: replies, handshakes, keepalives.", "listener");
        _bytesSent = factory.CreateCounter("udpgw_bytes_sent_total", "Their payload bytes.", "listener");
        _drops = factory.CreateCounter("udpgw_drops_total", "Packets and replies that went no further, by reason.", "listener", "reason");
        _handshakes = factory.CreateCounter("udpgw_handshakes_total", "WireGuard handshakes: answered, cookie_replied, completed by the client's first packet, unconfirmed for the third time in a row or more.", "listener", "result");
        _peers = factory.CreateGauge("udpgw_peers", "WireGuard peers: confirmed, or half_open while the client has not answered.", "listener", "state");
        _batches = factory.CreateCounter("udpgw_batches_total", "Batches by what became of them: delivered, function_error, failed.", "listener", "destination", "result");
        _packetsSkipped = factory.CreateCounter("udpgw_packets_skipped_total", "Packets that a destination did not take by its declaration: filtered, not_coap.", "listener", "destination", "reason");
        _deliveredPackets = factory.CreateCounter("udpgw_destination_packets_total", "Packets by what became of them: delivered, function_error, failed.", "listener", "destination", "result");
        _retriedPackets = factory.CreateCounter("udpgw_retried_packets_total", "Packets that were sent again to a one-way destination, once for each time.", "listener", "destination");
        _deadLetters = factory.CreateCounter("udpgw_dead_letters_total", "Undelivered packets of destinations with a dead-letter queue: sent there, or lost because that failed too.", "listener", "destination", "result");
        _queuedPackets = factory.CreateGauge("udpgw_queue_packets", "Packets that wait for a delivery to start.", "listener", "destination");
        // From a warm function to one that runs into a timeout of minutes.
        _deliverySeconds = factory.CreateHistogram("udpgw_delivery_seconds", "Time from the start of a delivery to its answer.", ["listener", "destination"],
            new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(0.001, 2.5, 14) });
        _listeners = factory.CreateGauge("udpgw_listeners", "Listeners by state: served, failed.", "state");
        _revision = factory.CreateGauge("udpgw_served_revision", "The store's revision that is served.");
    }

    /// <summary>Where a scrape reads from; set once, before the first.</summary>
    public void Observe(ConfigurationFollower follower) => _registry.AddBeforeCollectCallback(() => Collect(follower));

    public DeliveryCounters CreateDeliveryCounters(string listener, string destination) => new(_deliverySeconds.WithLabels(listener, destination));

    public Task WriteAsync(Stream output, CancellationToken cancellationToken) => _registry.CollectAndExportAsTextAsync(output, cancellationToken);

    /// <summary>Drops the series of a listener that is gone.</summary>
    public void Forget(string listener)
    {
        foreach (var family in new Collector[] { _packetsReceived, _bytesReceived, _packetsSent, _bytesSent, _drops, _handshakes, _peers, _batches, _packetsSkipped, _deliveredPackets, _retriedPackets, _deadLetters, _queuedPackets, _deliverySeconds })
            Forget(family, listener);
    }

    private static void Forget(Collector family, string listener)
    {
        foreach (var labels in LabelsOf(family).Where(labels => labels[0] == listener).ToList())
        {
            switch (family)
            {
                case Counter counter:
                    counter.RemoveLabelled(labels);
                    break;
                case Gauge gauge:
                    gauge.RemoveLabelled(labels);
                    break;
                case Histogram histogram:
                    histogram.RemoveLabelled(labels);
                    break;
            }
        }
    }

    private static IEnumerable<string[]> LabelsOf(Collector family) => family switch
    {
        Counter counter => counter.GetAllLabelValues(),
        Gauge gauge => gauge.GetAllLabelValues(),
        Histogram histogram => histogram.GetAllLabelValues(),
        _ => [],
    };

    private void Collect(ConfigurationFollower follower)
    {
        foreach (var host in follower.Hosts)
        {
            CollectListener(host);
            foreach (var delivery in host.Deliveries)
                CollectDelivery(host.Name, delivery);
            // The counters of a removed destination stay what they were; a queue that is gone must not look like one that waits.
            foreach (var labels in _queuedPackets.GetAllLabelValues().Where(labels => labels[0] == host.Name && host.Deliveries.All(delivery => delivery.Name != labels[1])))
                _queuedPackets.RemoveLabelled(labels);
        }

        _listeners.WithLabels("served").Set(follower.Hosts.Count);
        _listeners.WithLabels("failed").Set(follower.Failures.Count);
        _revision.Set(follower.ServedRevision);
    }

    private void CollectListener(ListenerHost host)
    {
        var workers = host.Ports.Select(port => port.Counters).ToList();
        _packetsReceived.WithLabels(host.Name).IncTo(workers.Sum(worker => worker.PacketsReceived));
        _bytesReceived.WithLabels(host.Name).IncTo(workers.Sum(worker => worker.BytesReceived));
        _packetsSent.WithLabels(host.Name).IncTo(workers.Sum(worker => worker.PacketsSent));
        _bytesSent.WithLabels(host.Name).IncTo(workers.Sum(worker => worker.BytesSent));
        foreach (var reason in DropReasons.All)
        {
            var drops = workers.Sum(worker => worker.Drops(reason));
            if (drops > 0)
                _drops.WithLabels(host.Name, reason.Label()).IncTo(drops);
        }

        if (host.Record.Definition.Protocol != Listeners.ListenerProtocol.WireGuard)
            return;
        _handshakes.WithLabels(host.Name, "answered").IncTo(workers.Sum(worker => worker.HandshakesAnswered));
        _handshakes.WithLabels(host.Name, "cookie_replied").IncTo(workers.Sum(worker => worker.HandshakesCookieReplied));
        _handshakes.WithLabels(host.Name, "completed").IncTo(workers.Sum(worker => worker.HandshakesCompleted));
        _handshakes.WithLabels(host.Name, "unconfirmed").IncTo(workers.Sum(worker => worker.HandshakesUnconfirmed));
        _peers.WithLabels(host.Name, "confirmed").Set(workers.Sum(worker => worker.ConfirmedPeers));
        _peers.WithLabels(host.Name, "half_open").Set(workers.Sum(worker => worker.HalfOpenPeers));
    }

    private void CollectDelivery(string listener, DestinationDelivery delivery)
    {
        CollectResult(listener, delivery, "delivered", DeliveryResult.Delivered);
        CollectResult(listener, delivery, "function_error", DeliveryResult.FunctionError);
        CollectResult(listener, delivery, "failed", DeliveryResult.Failed);
        _retriedPackets.WithLabels(listener, delivery.Name).IncTo(delivery.Counters.Retried);
        if (delivery.HasDeadLetters)
        {
            _deadLetters.WithLabels(listener, delivery.Name, "sent").IncTo(delivery.Counters.DeadLetters);
            _deadLetters.WithLabels(listener, delivery.Name, "lost").IncTo(delivery.Counters.LostDeadLetters);
        }

        _packetsSkipped.WithLabels(listener, delivery.Name, "filtered").IncTo(delivery.Counters.Skipped(SkipReason.Filtered));
        _packetsSkipped.WithLabels(listener, delivery.Name, "not_coap").IncTo(delivery.Counters.Skipped(SkipReason.NotCoap));
        _queuedPackets.WithLabels(listener, delivery.Name).Set(delivery.QueuedPackets);
    }

    private void CollectResult(string listener, DestinationDelivery delivery, string label, DeliveryResult result)
    {
        _batches.WithLabels(listener, delivery.Name, label).IncTo(delivery.Counters.Batches(result));
        _deliveredPackets.WithLabels(listener, delivery.Name, label).IncTo(delivery.Counters.Packets(result));
    }
}
