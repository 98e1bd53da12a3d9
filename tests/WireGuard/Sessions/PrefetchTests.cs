using UdpGateway.WireGuard.Tests.Scenarios;

namespace UdpGateway.WireGuard.Tests.Sessions;

public sealed class PrefetchTests
{
    [Fact]
    public void Looking_ahead_changes_nothing_whatever_the_bytes_are()
    {
        using var tunnels = new Tunnels();
        var (first, second) = (tunnels.NewClient(), tunnels.NewClient());
        var (one, other) = (tunnels.Connect(first), tunnels.Connect(second));
        var random = new Random(7);

        for (var i = 0; i < 200; i++)
        {
            first.Send("first"u8, pad: false, tunnels.Now);
            second.Send("second"u8, pad: false, tunnels.Now);
            var (ofFirst, ofSecond) = (tunnels.Take(first).Single(), tunnels.Take(second).Single());
            var junk = new byte[random.Next(80)];
            random.NextBytes(junk);
            if (junk.Length > 0 && i % 2 == 0)
                junk[0] = 4;
            tunnels.Engine.Prefetch(junk);
            tunnels.Engine.Prefetch(i % 3 == 0 ? ofSecond : ofFirst);

            Assert.Equal((ReceiveVerdict.Data, one), Outcome(tunnels.Deliver(ofFirst)));
            Assert.Equal((ReceiveVerdict.Data, other), Outcome(tunnels.Deliver(ofSecond)));
        }

        static (ReceiveVerdict, PeerId) Outcome(Received received) => (received.Verdict, received.Result.Peer);
    }
}
