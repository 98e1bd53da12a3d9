using System.Globalization;

namespace UdpGateway.Cli.Client;

/// <summary>
/// What became of a run. A reply that does not say which request it answers counts for the oldest one without a reply, so round
/// trips are exact as long as nothing is lost or overtakes.
/// </summary>
internal sealed class SendStatistics(int count)
{
    private readonly TimeSpan[] _sentAt = new TimeSpan[count];
    private readonly bool[] _isAnswered = new bool[count];
    private readonly List<TimeSpan> _roundTrips = [];
    private int _oldest;

    public int Sent { get; private set; }

    public int Replies { get; private set; }

    /// <summary>Payloads that answer nothing that was asked.</summary>
    public int Ignored { get; set; }

    /// <summary>From the first request to the first reply, a handshake included.</summary>
    public TimeSpan FirstReplyAfter { get; private set; }

    public void CountRequest(TimeSpan now) => _sentAt[Sent++] = now;

    /// <param name="request">The number of the request that it answers; null when the reply does not say.</param>
    public void CountReply(TimeSpan now, int? request)
    {
        if (Replies++ == 0)
            FirstReplyAfter = now;
        while (_oldest < Sent && _isAnswered[_oldest])
            _oldest++;
        var answered = request ?? _oldest;
        if (answered >= Sent || _isAnswered[answered])
            return;
        _isAnswered[answered] = true;
        _roundTrips.Add(now - _sentAt[answered]);
    }

    public override string ToString()
    {
        var first = Replies > 0 ? $", the first after {Milliseconds(FirstReplyAfter)} ms" : "";
        var ignored = Ignored > 0 ? $", {Ignored} that answered nothing" : "";
        return $"{Sent} sent, {Replies} {(Replies == 1 ? "reply" : "replies")}{first}{ignored}{RoundTrips()}";
    }

    private string RoundTrips()
    {
        if (_roundTrips.Count < 2)
            return "";
        var sorted = _roundTrips.Order().ToList();
        var mean = TimeSpan.FromTicks((long)sorted.Average(trip => trip.Ticks));
        return $"; round trips min {Milliseconds(sorted[0])}, mean {Milliseconds(mean)}, median {Milliseconds(Percentile(50))}, 99% {Milliseconds(Percentile(99))}, max {Milliseconds(sorted[^1])} ms";

        TimeSpan Percentile(int percent) => sorted[Math.Max(0, (int)Math.Ceiling(sorted.Count * percent / 100.0) - 1)];
    }

    private static string Milliseconds(TimeSpan time) => time.TotalMilliseconds.ToString("0.0", CultureInfo.InvariantCulture);
}
