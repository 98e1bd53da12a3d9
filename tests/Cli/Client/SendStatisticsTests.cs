using UdpGateway.Cli.Client;

namespace UdpGateway.Cli.Tests.Client;

public sealed class SendStatisticsTests
{
    [Fact]
    public void Counts_a_reply_for_the_request_that_it_names_or_for_the_oldest_without_one()
    {
        var statistics = new SendStatistics(4);
        foreach (var second in (int[])[0, 1, 2, 3])
            statistics.CountRequest(TimeSpan.FromSeconds(second));

        statistics.CountReply(TimeSpan.FromSeconds(4), 1);
        statistics.CountReply(TimeSpan.FromSeconds(4), null);
        statistics.CountReply(TimeSpan.FromSeconds(4), null);
        statistics.CountReply(TimeSpan.FromSeconds(4), 1);

        Assert.Equal("4 sent, 4 replies, the first after 4000.0 ms; round trips min 2000.0, mean 3000.0, median 3000.0, 99% 4000.0, max 4000.0 ms", statistics.ToString());
    }

    [Fact]
    public void Knows_no_round_trip_of_replies_beyond_the_requests()
    {
        var statistics = new SendStatistics(1);
        statistics.CountRequest(TimeSpan.Zero);

        statistics.CountReply(TimeSpan.FromSeconds(1), null);
        statistics.CountReply(TimeSpan.FromSeconds(2), null);
        statistics.CountReply(TimeSpan.FromSeconds(3), 7);

        Assert.Equal("1 sent, 3 replies, the first after 1000.0 ms", statistics.ToString());
    }
}
