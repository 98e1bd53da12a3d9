using Microsoft.Extensions.Logging;
using UdpGateway.Gateway.Workers;

namespace UdpGateway.Gateway.Observability;

/// <summary>
/// Turns counts that operators could not explain into a line that names the likely cause. On the wire both causes look
/// like silence: a device whose clock went back, and a client with a wrong pre-shared key.
/// </summary>
internal sealed partial class HandshakeWatch(ILogger<HandshakeWatch> logger)
{
    private readonly LogGate _timestampLog = new();
    private readonly LogGate _unconfirmedLog = new();
    private long _timestamps;
    private long _unconfirmed;

    /// <param name="ports">The listener on each worker.</param>
    public void Report(string listener, IReadOnlyList<WorkerListener> ports)
    {
        var timestamps = ports.Sum(port => port.Counters.Drops(DropReason.TimestampReplayed));
        if (timestamps > _timestamps && _timestampLog.TryOpen(out _))
        {
            Log.OldTimestamps(logger, listener, timestamps - _timestamps);
            _timestamps = timestamps;
        }

        var unconfirmed = ports.Sum(port => port.Counters.HandshakesUnconfirmed);
        if (unconfirmed > _unconfirmed && _unconfirmedLog.TryOpen(out _))
        {
            Log.Unconfirmed(logger, listener, unconfirmed - _unconfirmed);
            _unconfirmed = unconfirmed;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1701, LogLevel.Warning, "Listener {Listener}: {Count} initiations were refused because their timestamp was not newer than the last one of the same key. A replay looks like this, and so does a device whose clock starts anew at every boot: give it a clock, or set the timestamp policy to accept-older-when-idle")]
        public static partial void OldTimestamps(ILogger logger, string listener, long count);

        [LoggerMessage(1702, LogLevel.Warning, "Listener {Listener}: {Count} responses went to clients that did not confirm the two before either. Check their pre-shared key and the way back to them")]
        public static partial void Unconfirmed(ILogger logger, string listener, long count);
    }
}
