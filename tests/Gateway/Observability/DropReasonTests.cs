using UdpGateway.Gateway.Observability;
using UdpGateway.Gateway.Tunnels;
using UdpGateway.WireGuard;

namespace UdpGateway.Gateway.Tests.Observability;

public sealed class DropReasonTests
{
    [Fact]
    public void Every_drop_of_the_engine_has_the_reason_of_its_name()
    {
        var drops = Enum.GetValues<ReceiveVerdict>().Where(verdict => new ReceiveResult { Verdict = verdict }.IsDrop).ToList();

        Assert.NotEmpty(drops);
        Assert.All(drops, verdict => Assert.Equal(verdict.ToString(), TunnelReceiver.ToDropReason(verdict).ToString()));
    }

    [Fact]
    public void Labels_are_the_names_in_snake_case()
    {
        Assert.Equal("socket_overflow", DropReason.SocketOverflow.Label());
        Assert.Equal("mac1_invalid", DropReason.Mac1Invalid.Label());
        Assert.Equal("no_session", DropReason.NoSession.Label());
        Assert.Equal(DropReasons.Count, DropReasons.All.Select(reason => reason.Label()).Distinct(StringComparer.Ordinal).Count());
    }
}
