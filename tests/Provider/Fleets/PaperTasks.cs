using UdpGateway.Aws;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>Does what a gateway task does for its fleet, without serving: for tests of the control plane that run many lives of a listener.</summary>
internal sealed class PaperTasks : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    public PaperTasks(FleetCloud cloud, string fleet = "default") => _running = Task.Run(() => RunAsync(cloud, fleet));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync(FleetCloud cloud, string fleet)
    {
        while (!_stop.IsCancellationRequested)
        {
            var snapshot = await cloud.Store.ReadConfigurationAsync(default);
            await cloud.FleetStore.WriteReportAsync(new GatewayTaskReport { TaskId = "paper", FleetName = fleet, Address = "10.0.0.9", ServedRevision = snapshot.Revision }, default);
            try
            {
                await RegisterAsync(cloud, snapshot);
            }
            catch (AwsServiceException gone) when (gone.ErrorCode == "TargetGroupNotFound")
            {
                // Deleted in between; moto says so even of a balancer's groups.
            }

            await Task.Delay(50);
        }
    }

    private static async Task RegisterAsync(FleetCloud cloud, ConfigurationSnapshot snapshot)
    {
        var groups = await cloud.Balancing.DescribeTargetGroupsOfAsync(cloud.LoadBalancerArn, default);
        foreach (var listener in snapshot.Listeners)
        {
            if (groups.FirstOrDefault(group => group.Name == FleetNames.TargetGroup(cloud.LoadBalancerArn, listener)) is { } group)
                await cloud.Balancing.RegisterTargetsAsync(group.Arn, [new TargetAddress("10.0.0.9", listener.TargetPort ?? listener.Port)], default);
        }
    }
}
