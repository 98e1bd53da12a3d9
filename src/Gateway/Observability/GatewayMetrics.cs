using System.Diagnostics;
using System.Diagnostics.Metrics;
using Prometheus;
using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Observability;

/// <summary>
/// Every metric of the gateway. Packets are counted as plain numbers by the workers and copied here when somebody
/// scrapes. Labels: <c>listener</c> is the physical resource id, <c>destination</c> its name, <c>reason</c> a
/// <see cref="DropReason"/>; nothing is labelled by client. The same numbers are instruments of a meter, for OpenTelemetry.
/// </summary>
internal sealed class GatewayMetrics : IDisposable
{
    public const string MeterName = "UdpGateway";

    /// <summary>From a warm function to one that runs into a timeout of minutes.</summary>
    private static readonly double[] DeliveryBuckets = Prometheus.Histogram.ExponentialBuckets(0.001, 2.5, 14);

    // Instruments are read one by one in one go: collecting once serves them all.
    private static readonly TimeSpan CollectInterval = TimeSpan.FromMilliseconds(100);

    private readonly Meter _meter = new(MeterName);
    private readonly Histogram<double> _deliveryTimes;
    private readonly List<Collector> _families = [];
    private long _collectedAt;
    private ConfigurationFollower? _follower;
    private readonly CollectorRegistry _registry = Metrics.NewCustomRegistry();
    private readonly Prometheus.Counter _packetsReceived;
    private readonly Prometheus.Counter _bytesReceived;
    private readonly Prometheus.Counter _packetsSent;
    private readonly Prometheus.Counter _bytesSent;
    private readonly Prometheus.Counter _pushed;
    private readonly Prometheus.Counter _drops;
    private readonly Prometheus.Counter _handshakes;
    private readonly Prometheus.Gauge _peers;
    private readonly Prometheus.Counter _batches;
    private readonly Prometheus.Counter _packetsSkipped;
    private readonly Prometheus.Counter _deliveredPackets;
    private readonly Prometheus.Counter _retriedPackets;
    private readonly Prometheus.Counter _refusedPackets;
    private readonly Prometheus.Counter _deadLetters;
    private readonly Prometheus.Counter _reports;
    private readonly Prometheus.Counter _reportsLost;
    private readonly Prometheus.Gauge _queuedPackets;
    private readonly Prometheus.Histogram _deliverySeconds;
    private readonly Prometheus.Gauge _listeners;
    private readonly Prometheus.Gauge _revision;

    public GatewayMetrics()
    {
        var factory = Metrics.WithCustomRegistry(_registry);
        _packetsReceived = AddCounter(factory, "udpgw_packets_received_total", "Datagrams taken from the listener's sockets.", "listener");
        _bytesReceived = AddCounter(factory, "udpgw_bytes_received_total", "Their payload bytes.", "listener");
        _packetsSent = AddCounter(factory, "udpgw_packets_sent_total", "Datagrams that the kernel took for sending: replies, handshakes, keepalives.", "listener");
        _bytesSent = AddCounter(factory, "udpgw_bytes_sent_total", "Their payload bytes.", "listener");
        _pushed = AddCounter(factory, "udpgw_pushed_packets_total", "Packets of packet sources by who sent them: sent by this task, relayed to another.", "listener", "result");
        _drops = AddCounter(factory, "udpgw_drops_total", "Packets and replies that went no further, by reason.", "listener", "reason");
        _handshakes = AddCounter(factory, "udpgw_handshakes_total", "WireGuard handshakes: answered, cookie_replied, completed by the client's first packet, unconfirmed for the third time in a row or more.", "listener", "result");
        _peers = AddGauge(factory, "udpgw_peers", "WireGuard peers: confirmed, or half_open while the client has not answered.", "listener", "state");
        _batches = AddCounter(factory, "udpgw_batches_total", "Batches by what became of them: delivered, function_error, failed.", "listener", "destination", "result");
        _packetsSkipped = AddCounter(factory, "udpgw_packets_skipped_total", "Packets that a destination did not take by its declaration: filtered, not_coap.", "listener", "destination", "reason");
        _deliveredPackets = AddCounter(factory, "udpgw_destination_packets_total", "Packets by what became of them: delivered, function_error, failed.", "listener", "destination", "result");
        _retriedPackets = AddCounter(factory, "udpgw_retried_packets_total", "Packets that were sent again to a one-way destination, once for each time.", "listener", "destination");
        _refusedPackets = AddCounter(factory, "udpgw_queue_refused_packets_total", "Packets that the destination's queue had no room for; among the drops as destination_queue_full.", "listener", "destination");
        _deadLetters = AddCounter(factory, "udpgw_dead_letters_total", "Undelivered packets of destinations with a dead-letter queue: sent there, or lost because that failed too.", "listener", "destination", "result");
        _reports = AddCounter(factory, "udpgw_reports_total", "Calls of a destination owner's CloudWatch, by result: written, failed.", "listener", "destination", "result");
        _reportsLost = AddCounter(factory, "udpgw_reports_lost_total", "Log lines and minutes of metrics that never reached it.", "listener", "destination");
        _queuedPackets = AddGauge(factory, "udpgw_queue_packets", "Packets that wait for a delivery to start.", "listener", "destination");
        const string DeliverySeconds = "udpgw_delivery_seconds";
        const string DeliverySecondsHelp = "Time from the start of a delivery to its answer.";
        _deliverySeconds = factory.CreateHistogram(DeliverySeconds, DeliverySecondsHelp, ["listener", "destination"], new HistogramConfiguration { Buckets = DeliveryBuckets });
        _families.Add(_deliverySeconds);
        _deliveryTimes = _meter.CreateHistogram(DeliverySeconds, "s", DeliverySecondsHelp, tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = DeliveryBuckets });
        _listeners = AddGauge(factory, "udpgw_listeners", "Listeners by state: served, failed.", "state");
        _revision = AddGauge(factory, "udpgw_served_revision", "The store's revision that is served.");
    }

    /// <summary>Where a scrape reads from; set once, before the first.</summary>
    public void Observe(ConfigurationFollower follower)
    {
        _follower = follower;
        _registry.AddBeforeCollectCallback(() => Collect(follower));
    }

    public DeliveryCounters CreateDeliveryCounters(string listener, string destination) =>
        new(_deliverySeconds.WithLabels(listener, destination), _deliveryTimes, listener, destination);

    public Task WriteAsync(Stream output, CancellationToken cancellationToken) => _registry.CollectAndExportAsTextAsync(output, cancellationToken);

    public void Dispose() => _meter.Dispose();

    /// <summary>Drops the series of a listener that is gone.</summary>
    public void Forget(string listener)
    {
        foreach (var family in _families.Where(family => family.LabelNames is ["listener", ..]))
            Forget(family, listener);
    }

    private static void Forget(Collector family, string listener)
    {
        foreach (var labels in LabelsOf(family).Where(labels => labels[0] == listener).ToList())
        {
            switch (family)
            {
                case Prometheus.Counter counter:
                    counter.RemoveLabelled(labels);
                    break;
                case Prometheus.Gauge gauge:
                    gauge.RemoveLabelled(labels);
                    break;
                case Prometheus.Histogram histogram:
                    histogram.RemoveLabelled(labels);
                    break;
            }
        }
    }

    private static IEnumerable<string[]> LabelsOf(Collector family) => family switch
    {
        Prometheus.Counter counter => counter.GetAllLabelValues(),
        Prometheus.Gauge gauge => gauge.GetAllLabelValues(),
        Prometheus.Histogram histogram => histogram.GetAllLabelValues(),
        _ => [],
    };

    private Prometheus.Counter AddCounter(MetricFactory factory, string name, string help, params string[] labels)
    {
        var counter = factory.CreateCounter(name, help, labels);
        _families.Add(counter);
        _meter.CreateObservableCounter(name, () => Measure(counter, values => counter.WithLabels(values).Value), description: help);
        return counter;
    }

    private Prometheus.Gauge AddGauge(MetricFactory factory, string name, string help, params string[] labels)
    {
        var gauge = factory.CreateGauge(name, help, labels);
        _families.Add(gauge);
        _meter.CreateObservableGauge(name, () => Measure(gauge, values => gauge.WithLabels(values).Value), description: help);
        return gauge;
    }

    private List<Measurement<double>> Measure(Collector family, Func<string[], double> valueOf)
    {
        if (_follower is { } follower && (_collectedAt == 0 || Stopwatch.GetElapsedTime(_collectedAt) >= CollectInterval))
        {
            Collect(follower);
            _collectedAt = Stopwatch.GetTimestamp();
        }

        var names = family.LabelNames;
        return [.. LabelsOf(family).Select(values => new Measurement<double>(
            valueOf(values), names.Select((name, index) => KeyValuePair.Create(name, (object?)values[index]))))];
    }

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
        _pushed.WithLabels(host.Name, "sent").IncTo(workers.Sum(worker => worker.PacketsPushed));
        _pushed.WithLabels(host.Name, "relayed").IncTo(workers.Sum(worker => worker.PacketsRelayed));
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
        _refusedPackets.WithLabels(listener, delivery.Name).IncTo(delivery.Counters.Refused);
        if (delivery.HasDeadLetters)
        {
            _deadLetters.WithLabels(listener, delivery.Name, "sent").IncTo(delivery.Counters.DeadLetters);
            _deadLetters.WithLabels(listener, delivery.Name, "lost").IncTo(delivery.Counters.LostDeadLetters);
        }

        _packetsSkipped.WithLabels(listener, delivery.Name, "filtered").IncTo(delivery.Counters.Skipped(SkipReason.Filtered));
        _packetsSkipped.WithLabels(listener, delivery.Name, "not_coap").IncTo(delivery.Counters.Skipped(SkipReason.NotCoap));
        _queuedPackets.WithLabels(listener, delivery.Name).Set(delivery.QueuedPackets);
        if (delivery.Report is null)
            return;
        _reports.WithLabels(listener, delivery.Name, "written").IncTo(delivery.Counters.ReportsWritten);
        _reports.WithLabels(listener, delivery.Name, "failed").IncTo(delivery.Counters.ReportsFailed);
        _reportsLost.WithLabels(listener, delivery.Name).IncTo(delivery.Counters.LostReports);
    }

    private void CollectResult(string listener, DestinationDelivery delivery, string label, DeliveryResult result)
    {
        _batches.WithLabels(listener, delivery.Name, label).IncTo(delivery.Counters.Batches(result));
        _deliveredPackets.WithLabels(listener, delivery.Name, label).IncTo(delivery.Counters.Packets(result));
    }
}
