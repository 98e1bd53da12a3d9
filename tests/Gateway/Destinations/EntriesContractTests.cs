using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;

namespace UdpGateway.Gateway.Tests.Destinations;

/// <summary>And what every destination does whose service takes several packets per call, and may take some of them only.</summary>
public abstract class EntriesContractTests : OneWayContractTests
{
    protected abstract override int MaxEntries { get; }

    protected virtual string TransientCode => "InternalFailure";

    protected virtual string PermanentCode => "InvalidParameter";

    private protected override bool FailsInPart => true;

    /// <summary>The service's answer when it takes all but those.</summary>
    internal abstract string AcceptBut(ReceivedRequest request, IReadOnlyList<int> failed, string code);

    internal override string AcceptButFirst(ReceivedRequest request, bool isTransient) => AcceptBut(request, [0], isTransient ? TransientCode : PermanentCode);

    [Fact]
    public async Task Cuts_a_batch_at_the_services_limit()
    {
        await using var service = await StartAsync();
        var count = (2 * MaxEntries) + 1;

        var outcome = await service.DeliverAsync(count);

        Assert.Equal(DeliveryResult.Delivered, outcome.Result);
        Assert.All(service.Calls, call => Assert.InRange(call.Count, 1, MaxEntries));
        Assert.Equal(3, service.Calls.Count);
        Assert.Equal(DestinationUnderTest.Numbered(count), service.Delivered.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Repeats_only_the_entries_that_failed()
    {
        await using var service = await StartAsync((context, request, call) => call == 1 ? AnswerAsync(context, 200, AcceptBut(request, [1, 3], TransientCode)) : LetPass);

        var outcome = await service.DeliverAsync(5);

        Assert.Equal((DeliveryResult.Delivered, 2), (outcome.Result, outcome.Retried));
        Assert.Equal(["packet-0001", "packet-0003"], service.Calls[1]);
    }

    [Fact]
    public async Task Counts_the_entries_that_are_refused_for_good()
    {
        await using var service = await StartAsync((context, request, call) => AnswerAsync(context, 200, AcceptBut(request, [2], PermanentCode)));

        var outcome = await service.DeliverAsync(5);

        Assert.Equal((DeliveryResult.Failed, 1, 0), (outcome.Result, outcome.FailedPackets, outcome.Retried));
        Assert.Contains(PermanentCode, outcome.Problem, StringComparison.Ordinal);
        Assert.Single(service.Calls);
    }

    [Fact]
    public async Task Halves_a_call_that_the_service_finds_too_large()
    {
        await using var service = await StartAsync((context, request, call) => PayloadsOf(request)!.Count > 2 ? AnswerAsync(context, 413) : LetPass);

        var outcome = await service.DeliverAsync(8);

        Assert.Equal((DeliveryResult.Delivered, 0), (outcome.Result, outcome.Retried));
        Assert.Equal(DestinationUnderTest.Numbered(8), service.Delivered);
    }
}
