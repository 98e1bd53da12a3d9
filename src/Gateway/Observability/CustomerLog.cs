using System.Text.Encodings.Web;
using System.Text.Json;
using UdpGateway.Aws;

namespace UdpGateway.Gateway.Observability;

/// <summary>
/// LogGroupName: what went wrong with one destination, as JSON lines for the log group of its owner; never a payload. What is
/// said again before it is written becomes one line with a count, so that a destination that fails all the time costs little.
/// The stream is <c>LISTENER/DESTINATION/RANDOM</c>, made with the first line; the group must exist.
/// </summary>
internal sealed class CustomerLog(ICloudWatchLogs logs, string group, string listener, string destination)
{
    private const int MaxLines = 250; // with their lengths they stay below the 1 MiB of one call
    private const int MaxProblemLength = 1024;

    private static readonly JsonSerializerOptions LineFormat = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly string _stream = $"{listener}/{destination}/{Guid.NewGuid():N}";
    private readonly Lock _gate = new();
    private Dictionary<(string Event, string Problem), Line> _open = [];
    private List<LogEvent> _pending = [];
    private bool _streamExists;

    /// <summary>Any thread. False when there are too many different lines already.</summary>
    public bool TryAdd(string level, string what, string problem, long batches, long packets, DateTimeOffset now)
    {
        if (problem.Length > MaxProblemLength)
            problem = problem[..MaxProblemLength] + "…";
        lock (_gate)
        {
            if (_open.TryGetValue((what, problem), out var line))
            {
                line.Batches += batches;
                line.Packets += packets;
                return true;
            }

            if (_open.Count + _pending.Count >= MaxLines)
                return false;
            _open.Add((what, problem), new Line(level, now) { Batches = batches, Packets = packets });
            return true;
        }
    }

    /// <summary>Writes what was said so far; false when it is nothing. Returns the lines that the service did not take. One caller at a time.</summary>
    /// <exception cref="AwsServiceException">The lines stay, for another attempt.</exception>
    public async Task<(bool Wrote, int Refused)> WriteAsync(CancellationToken cancellationToken)
    {
        List<LogEvent> lines;
        lock (_gate)
        {
            _pending.AddRange(_open.Select(line => new LogEvent(line.Value.Time, Write(line.Key.Event, line.Key.Problem, line.Value))));
            _open = [];
            lines = _pending;
        }

        if (lines.Count == 0)
            return (false, 0);
        if (!_streamExists)
            await logs.CreateLogStreamAsync(group, _stream, cancellationToken);
        // Until they are taken: the owner may have deleted the stream, and then another attempt makes it again.
        _streamExists = false;
        // The service wants the order of their times, and clocks are set back at times.
        var refused = await logs.PutLogEventsAsync(group, _stream, [.. lines.OrderBy(line => line.Timestamp)], cancellationToken);
        _streamExists = true;
        lock (_gate)
            _pending = [];
        return (true, refused.Count);
    }

    /// <summary>Gives up lines that could not be written since then. Returns how many. Not during a write.</summary>
    public int GiveUpBefore(DateTimeOffset limit)
    {
        lock (_gate)
            return _pending.RemoveAll(line => line.Timestamp < limit);
    }

    private byte[] Write(string what, string problem, Line line) => JsonSerializer.SerializeToUtf8Bytes(
        new
        {
            level = line.Level,
            @event = what,
            listener,
            destination,
            batches = line.Batches,
            packets = line.Packets,
            problem,
        },
        LineFormat);

    private sealed class Line(string level, DateTimeOffset time)
    {
        public string Level => level;

        public DateTimeOffset Time => time;

        public long Batches { get; set; }

        public long Packets { get; set; }
    }
}
