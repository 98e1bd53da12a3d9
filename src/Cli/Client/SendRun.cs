namespace UdpGateway.Cli.Client;

/// <summary>Sends the requests of a conversation and waits until all replies are here or the time is over.</summary>
internal sealed class SendRun(IPayloadChannel channel, IConversation conversation, TimeProvider time)
{
    public required int Count { get; init; }

    /// <summary>How many replies to wait for.</summary>
    public required int Replies { get; init; }

    /// <summary>How long to wait for replies after the last request.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>From one request to the next; requests that are late do not delay those after them.</summary>
    public required TimeSpan Interval { get; init; }

    /// <param name="output">Takes one line per reply; null for none.</param>
    /// <param name="cancellationToken">Ends the run early; the statistics say what came until then.</param>
    public async Task<SendStatistics> ExecuteAsync(TextWriter? output, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var statistics = new SendStatistics(Count);

        try
        {
            while (statistics.Sent < Count)
            {
                statistics.CountRequest(time.GetElapsedTime(start));
                await channel.SendAsync(conversation.Request(statistics.Sent - 1), conversation.SpeaksIp, cancellationToken);
                if (statistics.Sent < Count)
                    await ReceiveUntilAsync(statistics.Sent * Interval, int.MaxValue);
            }

            await ReceiveUntilAsync(time.GetElapsedTime(start) + Timeout, Replies);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Who stops it early wants to know what came until then.
        }

        return statistics;

        async Task ReceiveUntilAsync(TimeSpan end, int replies)
        {
            while (statistics.Replies < replies)
            {
                if (await channel.ReceiveAsync(end - time.GetElapsedTime(start), cancellationToken) is not { } payload)
                    return;
                if (conversation.ReadReply(payload.Span, out var request) is not { } line)
                {
                    statistics.Ignored++;
                    continue;
                }

                statistics.CountReply(time.GetElapsedTime(start), request);
                if (output is not null)
                    await output.WriteLineAsync(line);
            }
        }
    }
}
