using System.Net;
using UdpGateway.WireGuard.Tests.Crypto;

namespace UdpGateway.WireGuard.Tests.Scenarios;

public sealed class SimulationScenarios
{
    private static readonly LinkConditions BadNetwork = new() { Loss = 0.5, Duplication = 0.2, Reordering = 0.3 };

    [Fact]
    public void Identical_seeds_produce_identical_schedules()
    {
        Assert.Equal(Schedule(1), Schedule(1));
        Assert.NotEqual(Schedule(1), Schedule(2));

        static string Schedule(int seed)
        {
            using var simulation = new Simulation(seed, BadNetwork);
            for (var i = 0; i < 3; i++)
                simulation.SendRegularly(simulation.AddClient(), TimeSpan.FromSeconds(1), simulation.Now + TimeSpan.FromMinutes(5));
            simulation.RunFor(TimeSpan.FromMinutes(6));
            return simulation.CloseSchedule();
        }
    }

    [Theory, OnOpenSsl, OnPortable]
    public void Ten_minutes_of_loss_reordering_and_duplication_lose_no_session_and_deliver_nothing_twice(string backend)
    {
        using var simulation = new Simulation(20260603, BadNetwork, backend: backend);
        var duration = TimeSpan.FromMinutes(10);
        var clients = Enumerable.Range(0, 4).Select(_ => simulation.AddClient()).ToList();
        foreach (var client in clients)
            simulation.SendRegularly(client, TimeSpan.FromMilliseconds(250), simulation.Now + duration);

        simulation.RunFor(duration);
        simulation.Conditions = new LinkConditions();
        simulation.RunFor(TimeSpan.FromSeconds(30));
        foreach (var client in clients)
            simulation.SendRegularly(client, TimeSpan.FromSeconds(1), simulation.Now);
        simulation.RunFor(TimeSpan.FromSeconds(1));

        foreach (var client in clients)
        {
            var numbers = client.Arrived.Select(arrival => arrival.Number).ToList();
            var silences = client.Arrived.Zip(client.Arrived.Skip(1), (first, second) => second.Time - first.Time);
            Assert.Single(client.Peers);
            Assert.True(client.Client.HandshakesCompleted >= 4);
            Assert.Equal(numbers.Count, numbers.Distinct().Count());
            Assert.Equal(client.Received.Count, client.Received.Distinct().Count());
            Assert.InRange(numbers.Count, client.Sent * 0.45, client.Sent);
            Assert.True(silences.Max() < Paper.RejectAfterTime - Paper.RekeyAfterTime);
            Assert.Contains(client.Sent - 1, numbers);
            Assert.Contains(client.Sent - 1, client.Received);
        }

        Assert.True(simulation.Verdicts[ReceiveVerdict.Replayed] > 300);
        Assert.Equal((4, 0), (simulation.Engines[0].PeerCount, simulation.Engines[0].HalfOpenCount));
        Assert.InRange(simulation.Engines[0].SessionCount, 4, 12);
    }

    [Fact]
    public void On_a_good_network_everything_arrives_once_and_in_order_across_rekeys()
    {
        using var simulation = new Simulation(7, new LinkConditions { Jitter = TimeSpan.Zero });
        var client = simulation.AddClient();
        simulation.SendRegularly(client, TimeSpan.FromMilliseconds(500), simulation.Now + TimeSpan.FromMinutes(20));

        simulation.RunFor(TimeSpan.FromMinutes(21));

        Assert.Equal(Enumerable.Range(0, client.Sent), client.Arrived.Select(arrival => arrival.Number));
        Assert.Equal(Enumerable.Range(0, client.Sent), client.Received);
        Assert.InRange(client.Client.HandshakesCompleted, 9, 11);
        Assert.Equal(client.Client.HandshakesCompleted, client.Client.InitiationsSent);
    }

    [Fact]
    public void Every_packet_finds_its_owner_among_two_workers_while_clients_move()
    {
        using var simulation = new Simulation(11, new LinkConditions { Loss = 0.05, Duplication = 0.05, Reordering = 0.1 }, workers: 2);
        var clients = Enumerable.Range(0, 16).Select(_ => simulation.AddClient()).ToList();
        foreach (var client in clients)
            simulation.SendRegularly(client, TimeSpan.FromSeconds(1), simulation.Now + TimeSpan.FromMinutes(5));

        for (var minute = 0; minute < 5; minute++)
        {
            simulation.RunFor(TimeSpan.FromMinutes(1));
            // Neighbouring ports are read by different workers.
            foreach (var client in clients)
                client.Endpoint = PeerEndpoint.From(new IPEndPoint(IPAddress.Parse("203.0.113.9"), client.Endpoint.Port + 1001));
        }

        foreach (var client in clients)
        {
            Assert.Single(client.Peers);
            Assert.True(client.Arrived.Count > client.Sent * 0.85);
            Assert.True(client.Received.Count > client.Sent * 0.75);
            Assert.Equal(client.Arrived.Count, client.Arrived.Select(arrival => arrival.Number).Distinct().Count());
        }

        Assert.All(simulation.Engines, engine => Assert.InRange(engine.PeerCount, 3, 13));
        Assert.Equal(16, simulation.Engines.Sum(engine => engine.PeerCount));
        Assert.True(simulation.Verdicts[ReceiveVerdict.BelongsToOtherWorker] > 500);
        Assert.False(simulation.Verdicts.ContainsKey(ReceiveVerdict.NotAuthentic));
    }

    [Fact]
    public void Client_gets_through_two_workers_under_load_with_one_cookie()
    {
        using var simulation = new Simulation(13, new LinkConditions(), workers: 2);
        var clients = Enumerable.Range(0, 8).Select(_ => simulation.AddClient()).ToList();
        foreach (var client in clients)
            client.Client.Send([0xff, 1, 0, 0, 0], pad: false, simulation.Now);

        for (var step = 0; step < 30; step++)
        {
            foreach (var engine in simulation.Engines)
                engine.AccountHandshake(TimeSpan.FromMilliseconds(50), simulation.Now);
            simulation.RunFor(TimeSpan.FromMilliseconds(500));
        }

        Assert.True(simulation.Verdicts[ReceiveVerdict.CookieReplied] >= 8);
        Assert.True(simulation.Verdicts[ReceiveVerdict.BelongsToOtherWorker] > 0);
        Assert.All(clients, client => Assert.True(client.Client.IsConnected));
    }

    [Fact]
    public void Rate_limited_clients_recover_once_load_subsides()
    {
        using var simulation = new Simulation(17, new LinkConditions());
        // All behind one address: five may pass at once while the gateway is under load.
        var clients = Enumerable.Range(0, 40).Select(_ => simulation.AddClient()).ToList();
        foreach (var client in clients)
            simulation.SendRegularly(client, TimeSpan.FromSeconds(1), simulation.Now + TimeSpan.FromSeconds(30));

        for (var step = 0; step < 20; step++)
        {
            simulation.Engines[0].AccountHandshake(TimeSpan.FromMilliseconds(50), simulation.Now);
            simulation.RunFor(TimeSpan.FromMilliseconds(500));
        }

        simulation.RunFor(TimeSpan.FromSeconds(21));

        Assert.True(simulation.Verdicts[ReceiveVerdict.RateLimited] > 0);
        Assert.All(clients, client => Assert.True(client.Client.IsConnected));
        Assert.All(clients, client => Assert.Contains(client.Sent - 1, client.Arrived.Select(arrival => arrival.Number)));
    }

    [Fact]
    public void Two_idle_ends_do_not_keep_each_other_awake()
    {
        using var simulation = new Simulation(19, new LinkConditions()) { Echoes = false };
        var client = simulation.AddClient();
        simulation.SendRegularly(client, TimeSpan.FromSeconds(1), simulation.Now);

        simulation.RunFor(TimeSpan.FromMinutes(3));
        var keepalives = simulation.Verdicts.GetValueOrDefault(ReceiveVerdict.Keepalive);
        simulation.RunFor(TimeSpan.FromHours(2));

        Assert.Equal(0, keepalives);
        Assert.Equal(1, client.Client.InitiationsSent);
        Assert.Equal(keepalives, simulation.Verdicts.GetValueOrDefault(ReceiveVerdict.Keepalive));
        Assert.Equal(0, simulation.Engines[0].SessionCount);
        Assert.False(client.Client.IsConnected);
    }

    [Fact]
    public void Persistent_keepalive_holds_a_silent_client_s_session_for_hours()
    {
        using var simulation = new Simulation(23, new LinkConditions());
        var client = simulation.AddClient(TimeSpan.FromSeconds(25));
        client.Client.Connect(simulation.Now);

        simulation.RunFor(TimeSpan.FromHours(3));

        Assert.Single(client.Peers);
        Assert.Equal(1, simulation.Engines[0].PeerCount);
        Assert.InRange(client.Client.HandshakesCompleted, 70, 91);
        Assert.Equal(client.Client.HandshakesCompleted, client.Client.InitiationsSent);
    }

    [Fact]
    public void Client_reconnects_by_itself_after_an_outage_of_the_network()
    {
        using var simulation = new Simulation(29, new LinkConditions());
        var client = simulation.AddClient();
        simulation.SendRegularly(client, TimeSpan.FromSeconds(1), simulation.Now + TimeSpan.FromMinutes(20));

        simulation.RunFor(TimeSpan.FromMinutes(2));
        simulation.Conditions = new LinkConditions { Loss = 1 };
        simulation.RunFor(TimeSpan.FromMinutes(10));
        Assert.Equal(0, simulation.Engines[0].SessionCount);
        simulation.Conditions = new LinkConditions();
        simulation.RunFor(Paper.RekeyTimeout + Paper.MaximumJitter + TimeSpan.FromSeconds(2));

        Assert.Contains(client.Sent - 2, client.Arrived.Select(arrival => arrival.Number));
        Assert.Single(client.Peers);
    }
}
