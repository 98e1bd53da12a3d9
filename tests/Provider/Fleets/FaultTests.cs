using System.Text.Json.Nodes;
using UdpGateway.Aws.Tests;
using UdpGateway.Provider.Tests.TestDoubles;
using Xunit.Abstractions;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>Every call of every operation on a listener fails in turn.</summary>
public sealed class ListenerFaultTests(MotoServer moto, ITestOutputHelper output) : IClassFixture<MotoServer>
{
    private const string Type = "Custom::UdpGatewayListener";

    [RequiresMotoTheory]
    [InlineData(InjectedFault.Throttling)]
    [InlineData(InjectedFault.ServerError)]
    [InlineData(InjectedFault.SlowAnswer)]
    [InlineData(InjectedFault.AnswerLost)]
    [InlineData(InjectedFault.Crash)]
    public async Task Whichever_call_fails_the_listener_converges_and_nothing_is_orphaned(InjectedFault kind)
    {
        await using var run = await FaultRun.StartAsync(moto, kind);
        await run.Cloud.CreateSecretAsync($"customer/{kind}", Key(7));
        await run.PrepareAsync("Custom::UdpGatewayFleet", "Fleet", "Create", run.Cloud.FleetProperties(), null);

        await run.RepeatAsync(LiveAsync, output, "default");

        async Task LiveAsync(FaultRun run)
        {
            // Outside the fleet's range, which takes rules in two security groups; with every kind of key.
            var listener = run.ListenerProperties("echo");
            listener["Port"] = "53";
            listener["UnknownPeerPreSharedKey"] = Key(8);
            listener["Peers"] = new JsonArray(new JsonObject { ["PublicKey"] = ProviderUnderTest.PeerKey, ["SharedSecret"] = $"{{{{resolve:secretsmanager:customer/{kind}}}}}" });
            var current = (await run.RunAsync("Create", Type, "Listener", "Create", listener, null)).PhysicalResourceId;
            if (run.Wants("Update"))
            {
                listener["UnknownPeerPreSharedKey"] = Key(9);
                Assert.Equal(current, (await run.RunAsync("Update", Type, "Listener", "Update", listener, current)).PhysicalResourceId);
            }

            if (run.Wants("Replacement", "Delete of the former"))
            {
                (listener["Name"], listener["Port"]) = ("renamed", "5353");
                var former = current;
                current = (await run.RunAsync("Replacement", Type, "Listener", "Update", listener, former)).PhysicalResourceId;
                Assert.NotEqual(former, current);
                await run.RunAsync("Delete of the former", Type, "Listener", "Delete", listener, former);
            }

            await run.RunAsync("Delete", Type, "Listener", "Delete", listener, current);
        }
    }

    private static string Key(byte value) => Convert.ToBase64String([.. Enumerable.Repeat(value, 32)]);
}

/// <summary>Every call of every operation on a registered ARN fails in turn.</summary>
public sealed class DestinationArnFaultTests(MotoServer moto, ITestOutputHelper output) : IClassFixture<MotoServer>
{
    private const string Type = "Custom::ProxylityUdpGatewayDestinationArn";

    [RequiresMotoTheory]
    [InlineData(InjectedFault.Throttling)]
    [InlineData(InjectedFault.ServerError)]
    [InlineData(InjectedFault.SlowAnswer)]
    [InlineData(InjectedFault.AnswerLost)]
    [InlineData(InjectedFault.Crash)]
    public async Task Whichever_call_fails_the_registration_converges_and_nothing_is_orphaned(InjectedFault kind)
    {
        await using var run = await FaultRun.StartAsync(moto, kind);
        await run.PrepareAsync("Custom::UdpGatewayFleet", "Fleet", "Create", run.Cloud.FleetProperties(), null);
        await run.PrepareAsync("Custom::UdpGatewayListener", "Listener", "Create", run.ListenerProperties("echo"), null);

        await run.RepeatAsync(LiveAsync, output, "default");

        static async Task LiveAsync(FaultRun run)
        {
            var registration = new JsonObject { ["Destination"] = "handler", ["Arn"] = $"{ProviderUnderTest.Function}-2", ["IngressRegionKey"] = "eu-west-1" };
            var current = (await run.RunAsync("Create", Type, "Registration", "Create", registration, null)).PhysicalResourceId;
            if (run.Wants("Update"))
            {
                registration["Arn"] = $"{ProviderUnderTest.Function}-3";
                Assert.Equal(current, (await run.RunAsync("Update", Type, "Registration", "Update", registration, current)).PhysicalResourceId);
            }

            if (run.Wants("Replacement", "Delete of the former"))
            {
                registration["IngressRegionKey"] = "us-east-1";
                var former = current;
                current = (await run.RunAsync("Replacement", Type, "Registration", "Update", registration, former)).PhysicalResourceId;
                Assert.NotEqual(former, current);
                await run.RunAsync("Delete of the former", Type, "Registration", "Delete", registration, former);
            }

            await run.RunAsync("Delete", Type, "Registration", "Delete", registration, current);
        }
    }
}

/// <summary>Every call of every operation on a packet source fails in turn.</summary>
public sealed class PacketSourceFaultTests(MotoServer moto, ITestOutputHelper output) : IClassFixture<MotoServer>
{
    private const string Type = "Custom::ProxylityUdpGatewayPacketSource";

    [RequiresMotoTheory]
    [InlineData(InjectedFault.Throttling)]
    [InlineData(InjectedFault.ServerError)]
    [InlineData(InjectedFault.SlowAnswer)]
    [InlineData(InjectedFault.AnswerLost)]
    [InlineData(InjectedFault.Crash)]
    public async Task Whichever_call_fails_the_packet_source_converges_and_nothing_is_orphaned(InjectedFault kind)
    {
        await using var run = await FaultRun.StartAsync(moto, kind);
        await run.PrepareAsync("Custom::UdpGatewayFleet", "Fleet", "Create", run.Cloud.FleetProperties(), null);
        await run.PrepareAsync("Custom::UdpGatewayListener", "Listener", "Create", run.ListenerProperties("echo"), null);
        await run.PrepareAsync("Custom::UdpGatewayListener", "Other", "Create", run.ListenerProperties("other"), null);

        await run.RepeatAsync(LiveAsync, output, "default");

        static async Task LiveAsync(FaultRun run)
        {
            var source = new JsonObject
            {
                ["ListenerName"] = "echo",
                ["SnsTopicSource"] = new JsonObject { ["TopicArn"] = run.Customer.Topic, ["Role"] = run.Customer.TopicRole },
            };
            var current = (await run.RunAsync("Create", Type, "Source", "Create", source, null)).PhysicalResourceId;
            if (run.Wants("Update"))
            {
                source["SnsTopicSource"]!["TopicArn"] = run.Customer.OtherTopic;
                Assert.Equal(current, (await run.RunAsync("Update", Type, "Source", "Update", source, current)).PhysicalResourceId);
            }

            if (run.Wants("Replacement", "Delete of the former"))
            {
                source["ListenerName"] = "other";
                var former = current;
                current = (await run.RunAsync("Replacement", Type, "Source", "Update", source, former)).PhysicalResourceId;
                Assert.NotEqual(former, current);
                await run.RunAsync("Delete of the former", Type, "Source", "Delete", source, former);
            }

            await run.RunAsync("Delete", Type, "Source", "Delete", source, current);
        }
    }
}

/// <summary>Every call of every operation on a fleet fails in turn.</summary>
public sealed class FleetFaultTests(MotoServer moto, ITestOutputHelper output) : IClassFixture<MotoServer>
{
    private const string Type = "Custom::UdpGatewayFleet";

    [RequiresMotoTheory]
    [InlineData(InjectedFault.Throttling)]
    [InlineData(InjectedFault.ServerError)]
    [InlineData(InjectedFault.SlowAnswer)]
    [InlineData(InjectedFault.AnswerLost)]
    [InlineData(InjectedFault.Crash)]
    public async Task Whichever_call_fails_the_fleet_converges_and_nothing_is_orphaned(InjectedFault kind)
    {
        await using var run = await FaultRun.StartAsync(moto, kind);

        await run.RepeatAsync(LiveAsync, output, "default", "second");

        static async Task LiveAsync(FaultRun run)
        {
            var fleet = run.Cloud.FleetProperties();
            await run.RunAsync("Create", Type, "Fleet", "Create", fleet, null);
            if (run.Wants("Update"))
            {
                // Without a listener there are no tasks to be replaced.
                await run.PrepareAsync("Custom::UdpGatewayListener", "Listener", "Create", run.ListenerProperties("echo"), null);
                fleet["Image"] = "gateway:2";
                await run.RunAsync("Update", Type, "Fleet", "Update", fleet, "default");
                await run.PrepareAsync("Custom::UdpGatewayListener", "Listener", "Delete", run.ListenerProperties("echo"), "echo");
            }

            var current = "default";
            if (run.Wants("Replacement", "Delete of the former"))
            {
                fleet["Name"] = current = "second";
                Assert.Equal("second", (await run.RunAsync("Replacement", Type, "Fleet", "Update", fleet, "default")).PhysicalResourceId);
                await run.RunAsync("Delete of the former", Type, "Fleet", "Delete", fleet, "default");
            }

            await run.RunAsync("Delete", Type, "Fleet", "Delete", fleet, current);
        }
    }
}
