using System.Diagnostics;
using System.Text.Json.Nodes;
using UdpGateway.Aws.Tests;
using UdpGateway.Provider.Tests.Emulation;
using UdpGateway.Provider.Tests.Fleets;

namespace UdpGateway.Benchmarks;

/// <summary>
/// What each event of each resource takes with the provider as it is composed on AWS, against moto: from the event to the answer, and the
/// provider's own processor time. Tasks only say what tasks say, so that none of the time is a gateway's; the provider looks every three seconds.
/// </summary>
internal static class ProviderEvents
{
    private const string Function = "provider";
    private const int Processes = 3;
    private const int Rounds = 3;

    public static async Task RunAsync(string program, TextWriter output)
    {
        if (!RequiresMotoFactAttribute.IsAvailable)
        {
            await output.WriteLineAsync("The events against moto are left out: the moto server is not installed (pip install 'moto[server]').");
            return;
        }

        var moto = new MotoServer();
        await moto.InitializeAsync();
        try
        {
            var measured = new List<(string Event, bool IsFirst, double Wall, double Cpu)>();
            for (var process = 0; process < Processes; process++)
                measured.AddRange(await MeasureAsync(moto, program));

            await output.WriteLineAsync("events against moto         first ms  CPU ms   later ms  CPU ms   (medians; as the first event of a process, and after others)");
            foreach (var kind in measured.GroupBy(entry => entry.Event))
                await output.WriteLineAsync($"{kind.Key,-26}{Medians(kind, isFirst: true)}   {Medians(kind, isFirst: false)}");
        }
        finally
        {
            await moto.DisposeAsync();
        }
    }

    private static string Medians(IEnumerable<(string Event, bool IsFirst, double Wall, double Cpu)> entries, bool isFirst)
    {
        var chosen = entries.Where(entry => entry.IsFirst == isFirst).ToArray();
        return chosen.Length == 0 ? string.Empty : $"{Median(chosen.Select(entry => entry.Wall)),10:0} {Median(chosen.Select(entry => entry.Cpu)),7:0}";

        static double Median(IEnumerable<double> values) => values.Order().ElementAt(values.Count() / 2);
    }

    private static async Task<IReadOnlyList<(string Event, bool IsFirst, double Wall, double Cpu)>> MeasureAsync(MotoServer moto, string program)
    {
        await using var cloud = await FleetCloud.StartAsync(moto);
        await using var lambda = await LambdaEmulator.StartAsync();
        var application = $"app-{Guid.NewGuid():N}"[..12];
        var fleets = new CloudFormationEngine(lambda, cloud.Endpoint, "provider") { ResourceType = "Custom::UdpGatewayFleet", LogicalResourceId = "DefaultFleet" };
        var listeners = new CloudFormationEngine(lambda, cloud.Endpoint, application);
        var arns = new CloudFormationEngine(lambda, cloud.Endpoint, application) { ResourceType = "Custom::UdpGatewayDestinationArn", LogicalResourceId = "Arn" };
        var sources = new CloudFormationEngine(lambda, cloud.Endpoint, application) { ResourceType = "Custom::UdpGatewayPacketSource", LogicalResourceId = "Source" };
        var account = await CustomerAccount.CreateAsync(moto, listeners.StackId);
        lambda.Add(await ProviderStacks.ProviderFunctionAsync(moto, cloud, lambda, account, TimeSpan.FromMinutes(3), program));
        FunctionProcess? process = null;
        var measured = new List<(string, bool, double, double)>();
        await using (new PaperTasks(cloud))
        {
            await NoteAsync("Fleet Create", () => fleets.CreateAsync(cloud.FleetProperties()), isFirst: true);
            await NoteAsync("Listener Create", () => listeners.CreateAsync(Listener("first")), isFirst: true);
            await NoteAsync("DestinationArn Create", () => arns.CreateAsync(Arn("third")), isFirst: true);
            await NoteAsync("PacketSource Create", () => sources.CreateAsync(Source("true")), isFirst: true);
            for (var round = 0; round < Rounds; round++)
            {
                await NoteAsync("Listener Update", () => listeners.UpdateAsync(Listener("second")));
                await NoteAsync("DestinationArn Update", () => arns.UpdateAsync(Arn("fourth")));
                await NoteAsync("DestinationArn Delete", arns.DeleteAsync);
                await NoteAsync("PacketSource Update", () => sources.UpdateAsync(Source("false")));
                await NoteAsync("PacketSource Delete", sources.DeleteAsync);
                await NoteAsync("Listener Delete", listeners.DeleteAsync);
                await NoteAsync("Listener Create", () => listeners.CreateAsync(Listener("first")));
                await NoteAsync("DestinationArn Create", () => arns.CreateAsync(Arn("third")));
                await NoteAsync("PacketSource Create", () => sources.CreateAsync(Source("true")));
            }

            await sources.DeleteAsync();
            await listeners.DeleteAsync();
            await NoteAsync("Fleet Update", () => fleets.UpdateAsync(cloud.FleetProperties(image: "gateway:2")));
            await NoteAsync("Fleet Delete", fleets.DeleteAsync);
        }

        return measured;

        async Task NoteAsync(string name, Func<Task<string>> step, bool isFirst = false)
        {
            if (isFirst)
                process = await StartAsync(lambda);
            var cpu = process!.CpuTime;
            var watch = Stopwatch.StartNew();
            var status = await step();
            var wall = watch.Elapsed;
            await lambda.WhenIdleAsync();
            if (!status.EndsWith("_COMPLETE", StringComparison.Ordinal) || status.Contains("ROLLBACK", StringComparison.Ordinal))
                throw new InvalidOperationException($"{name} ended as {status}: {string.Join('\n', lambda.Output)}");
            measured.Add((name, isFirst, wall.TotalMilliseconds, (process.CpuTime - cpu).TotalMilliseconds));
        }

        JsonObject Listener(string function)
        {
            var properties = FleetCloud.ListenerProperties();
            properties["Destinations"]![0]!["DestinationArn"] = FunctionArn(function);
            properties["Destinations"]![0]!["Role"] = account.DeliveryRole;
            return properties;
        }

        JsonObject Source(string enabled) => new()
        {
            ["ListenerName"] = "echo",
            ["Enabled"] = enabled,
            ["SnsTopicSource"] = new JsonObject { ["TopicArn"] = account.Topic, ["Role"] = account.TopicRole },
        };

        static JsonObject Arn(string function) => new() { ["Destination"] = "handler", ["Arn"] = FunctionArn(function) };
    }

    private static async Task<FunctionProcess> StartAsync(LambdaEmulator lambda)
    {
        lambda.EndIdleProcesses(Function);
        var process = lambda.StartProcess(Function);
        await Task.WhenAny(process.Ready.Task, process.Exited);
        if (!process.Ready.Task.IsCompleted)
            throw new InvalidOperationException($"The provider did not start: {string.Join(' ', lambda.Output)}");
        lambda.Keep(process);
        return process;
    }

    private static string FunctionArn(string name) => $"arn:aws:lambda:us-west-2:123456789012:function:{name}";
}
