using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Tests.Destinations;

/// <summary>And what every destination does whose service takes a batch in one call.</summary>
public abstract class WholeBatchContractTests : OneWayContractTests
{
    [Fact]
    public async Task Halves_a_batch_that_the_service_finds_too_large()
    {
        await using var service = await StartAsync((context, request, call) => PayloadsOf(request)!.Count > 2 ? AnswerAsync(context, 413) : LetPass);

        var outcome = await service.DeliverAsync(7);

        Assert.Equal((DeliveryResult.Delivered, 0, 0), (outcome.Result, outcome.FailedPackets, outcome.Retried));
        Assert.Equal(DestinationUnderTest.Numbered(7), service.Delivered);
    }

    [Fact]
    public async Task Gives_up_a_packet_that_is_too_large_by_itself()
    {
        await using var service = await StartAsync((context, request, call) =>
            PayloadsOf(request)!.Contains("packet-0002") ? AnswerAsync(context, 413, """{"__type":"RequestEntityTooLargeException"}""") : LetPass);

        var outcome = await service.DeliverAsync(4);

        Assert.Equal((DeliveryResult.Failed, 1), (outcome.Result, outcome.FailedPackets));
        Assert.Equal(2, Assert.Single(outcome.Failed!).Packet);
        Assert.Equal(["packet-0000", "packet-0001", "packet-0003"], service.Delivered);
    }
}
