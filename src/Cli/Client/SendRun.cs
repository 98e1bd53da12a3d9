namespace UdpGateway.Cli.Client;

/// <summary>Sends the requests of a conversation and waits until each has its reply or the time is over.</summary>
internal sealed class SendRun(IPayloadChannel channel, IConversation conversation, TimeProvider time)
{
    public required int Count { get; init; }

    /// <summary>How long to wait for replies after the last request.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>Pause between two requests.</summary>
    public required TimeSpan Interval { get; init; }

    /// <param name="output">Takes one line per reply.</param>
    public async Task<SendStatistics> ExecuteAsync(TextWriter output, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var statistics = new SendStatistics();

        while (statistics.Sent < Count)
        {
            await channel.SendAsync(conversation.Request(statistics.Sent), conversation.SpeaksIp, cancellationToken);
            statistics.Sent++;
            if (statistics.Sent < Count)
                await ReceiveUntilAsync(time.GetElapsedTime(start) + Interval, int.MaxValue);
        }

        await ReceiveUntilAsync(time.GetElapsedTime(start) + Timeout, Count);
        return statistics;

        async Task ReceiveUntilAsync(TimeSpan end, int replies)
        {
            while (statistics.Replies < replies)
            {
                if (await channel.ReceiveAsync(end - time.GetElapsedTime(start), cancellationToken) is not { } payload)
                    return;
                if (conversation.ReadReply(payload.Span) is not { } line)
                {
                    statistics.Ignored++;
                    continue;
                }

                if (statistics.Replies++ == 0)
                    statistics.FirstReplyAfter = time.GetElapsedTime(start);
                await output.WriteLineAsync(line);
            }
        }
    }
}

/// <summary>What became of a run.</summary>
internal sealed class SendStatistics
{
    public int Sent { get; set; }

    public int Replies { get; set; }

    /// <summary>Payloads that answer nothing that was asked.</summary>
    public int Ignored { get; set; }

    /// <summary>From the first request to the first reply, a handshake included.</summary>
    public TimeSpan FirstReplyAfter { get; set; }

    public override string ToString()
    {
        var first = Replies > 0 ? $", the first after {FirstReplyAfter.TotalMilliseconds:0.0} ms" : "";
        var ignored = Ignored > 0 ? $", {Ignored} that answered nothing" : "";
        return $"{Sent} sent, {Replies} {(Replies == 1 ? "reply" : "replies")}{first}{ignored}";
    }
}
