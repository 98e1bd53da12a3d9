using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Web;
using System.Xml.Linq;
using UdpGateway.Aws;
using UdpGateway.Listeners.Storage;
using UdpGateway.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>
/// Does what a gateway task does for its fleet, without serving: for tests of the control plane that run many lives of a resource. It learns of
/// changes from the provider's own calls, before the provider has their answers, so that a life takes the same calls every time.
/// </summary>
internal sealed class PaperTasks : IAsyncDisposable
{
    private const string Address = "10.0.0.9";

    // Half of what makes a report too old to count.
    private static readonly TimeSpan ReportInterval = GatewayTaskReport.LivingAge / 2;

    private readonly CancellationTokenSource _stop = new();
    private readonly FleetCloud _cloud;
    private readonly string _fleet;
    private readonly Task _running;
    private long _revision;

    public PaperTasks(FleetCloud cloud, string fleet = "default")
    {
        _cloud = cloud;
        _fleet = fleet;
        Attach(cloud.Proxy);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Follows a provider through its proxy.</summary>
    public void Attach(AwsProxy proxy) => proxy.Change = ChangeAsync;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await ReportAsync();
            await Task.Delay(ReportInterval, _stop.Token).ContinueWith(static _ => { }, TaskScheduler.Default);
        }
    }

    private Task ReportAsync() => _cloud.FleetStore.WriteReportAsync(
        new GatewayTaskReport { TaskId = "paper", FleetName = _fleet, Address = Address, ServedRevision = Interlocked.Read(ref _revision) }, default);

    private async Task<ProxiedAnswer> ChangeAsync(ProxiedCall call, ProxiedAnswer answer)
    {
        if (answer.Status >= 300)
            return answer;
        switch (call.Operation)
        {
            case "TransactWriteItems":
                _ = Interlocked.Exchange(ref _revision, RevisionOf(JsonNode.Parse(call.Body)!));
                await ReportAsync();
                return answer;
            case "CreateTargetGroup":
                var group = XElement.Parse(answer.Text).Descendants().First(element => element.Name.LocalName == "TargetGroupArn").Value;
                var port = int.Parse(HttpUtility.ParseQueryString(call.Text)["Port"]!, CultureInfo.InvariantCulture);
                await _cloud.Balancing.RegisterTargetsAsync(group, [new TargetAddress(Address, port)], default);
                return answer;
            case "DescribeServices":
                return answer with { Body = Encoding.UTF8.GetBytes(RollOut(JsonNode.Parse(answer.Body)!).ToJsonString()) };
            default:
                return answer;
        }
    }

    // moto never finishes a rollout.
    private static JsonNode RollOut(JsonNode answer)
    {
        foreach (var service in answer["services"]!.AsArray())
            service!["deployments"] = new JsonArray(new JsonObject { ["status"] = "PRIMARY", ["taskDefinition"] = service["taskDefinition"]!.DeepClone(), ["rolloutState"] = "COMPLETED" });
        return answer;
    }

    // Every change of a record is one transaction with the revision.
    private static long RevisionOf(JsonNode transaction) => transaction["TransactItems"]!.AsArray()
        .Select(item => item!["Update"]?["ExpressionAttributeValues"]?[":next"]?["N"]?.GetValue<string>())
        .OfType<string>().Select(number => long.Parse(number, CultureInfo.InvariantCulture)).Single();
}
