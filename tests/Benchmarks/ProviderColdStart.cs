using System.Diagnostics;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using UdpGateway.Provider.Tests.Emulation;
using UdpGateway.Provider.Tests.TestDoubles;

namespace UdpGateway.Benchmarks;

/// <summary>
/// What the provider costs under Lambda: the package, the start of its process, the first Create and those after it, compiled ahead
/// of time and not. The program is the tests' host, packed as the provider is: all of the provider, with the store of local mode.
/// </summary>
internal static class ProviderColdStart
{
    private const string Program = "UdpGateway.Provider.TestHost";
    private const int Starts = 7;
    private const int WarmEvents = 30;

    public static async Task RunAsync(TextWriter output)
    {
        var directory = Directory.CreateTempSubdirectory("udpgw-cold-start-").FullName;
        try
        {
            await output.WriteLineAsync("medians            unpacked MB  zip MB  start ms  start CPU ms  first Create ms  CPU ms  warm Create ms  CPU ms");
            foreach (var (name, readyToRun) in ((string, bool)[])[("ReadyToRun", true), ("plain", false)])
            {
                var package = Path.Combine(directory, name);
                await PublishAsync(package, readyToRun);
                await output.WriteLineAsync($"{name,-18} {await MeasureAsync(package, directory)}");
            }

            await ProviderEvents.RunAsync(Path.Combine(directory, "ReadyToRun", Program), output);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static async Task<string> MeasureAsync(string package, string directory)
    {
        var zip = package + ".zip";
        await ZipFile.CreateFromDirectoryAsync(package, zip);
        var runs = new List<double[]>();
        for (var run = 0; run < Starts; run++)
            runs.Add(await StartOnceAsync(package, Path.Combine(directory, $"store-{Guid.NewGuid():N}")));

        var medians = Enumerable.Range(0, runs[0].Length).Select(column => runs.Select(run => run[column]).Order().ElementAt(Starts / 2)).ToArray();
        var unpacked = Directory.GetFiles(package).Sum(file => new FileInfo(file).Length) / 1e6;
        return $"{unpacked,11:0.0} {new FileInfo(zip).Length / 1e6,7:0.0} {medians[0],9:0} {medians[1],13:0} {medians[2],16:0} {medians[3],7:0} {medians[4],15:0.0} {medians[5],7:0.0}";
    }

    private static async Task<double[]> StartOnceAsync(string package, string store)
    {
        await using var lambda = await LambdaEmulator.StartAsync();
        await using var endpoint = await ResponseEndpoint.StartAsync();
        lambda.Add(new EmulatedFunction
        {
            Name = "provider",
            FileName = Path.Combine(package, Program),
            Environment = { ["UDPGW_ACCOUNT_ID"] = "123456789012", ["UDPGW_SERVICE_ROLE"] = "arn:aws:iam::123456789012:role/udp-gateway-service", ["UDPGW_TABLE"] = "udp-gateway", ["UDPGW_DOMAIN"] = "udp.example.com", ["TESTHOST_STORE"] = store },
        });

        var watch = Stopwatch.StartNew();
        var process = lambda.StartProcess("provider");
        await Task.WhenAny(process.Ready.Task, process.Exited);
        var start = watch.Elapsed;
        if (!process.Ready.Task.IsCompleted)
            throw new InvalidOperationException($"The provider did not start: {string.Join(' ', lambda.Output)}");
        var startCpu = process.CpuTime;
        lambda.Keep(process);

        watch.Restart();
        await CreateAsync(lambda, endpoint, 0);
        var first = watch.Elapsed;
        var firstCpu = process.CpuTime - startCpu;

        var before = process.CpuTime;
        watch.Restart();
        for (var number = 1; number <= WarmEvents; number++)
            await CreateAsync(lambda, endpoint, number);
        return [start.TotalMilliseconds, startCpu.TotalMilliseconds, first.TotalMilliseconds, firstCpu.TotalMilliseconds, watch.Elapsed.TotalMilliseconds / WarmEvents, (process.CpuTime - before).TotalMilliseconds / WarmEvents];
    }

    private static async Task CreateAsync(LambdaEmulator lambda, ResponseEndpoint endpoint, int number)
    {
        var create = new JsonObject
        {
            ["RequestType"] = "Create",
            ["ResponseURL"] = endpoint.Url($"answer-{number}"),
            ["StackId"] = "arn:aws:cloudformation:us-west-2:123456789012:stack/fleet/5b1c2f50-0000-1111-2222-333344445555",
            ["RequestId"] = $"request-{number}",
            ["LogicalResourceId"] = $"Listener{number}",
            ["ResourceType"] = "Custom::ProxylityUdpGatewayListener",
            ["ResourceProperties"] = new JsonObject
            {
                ["Name"] = $"listener-{number}",
                ["Protocols"] = new JsonArray("wg"),
                ["AllowUnknownPeers"] = "true",
                ["Destinations"] = new JsonArray(new JsonObject
                {
                    ["DestinationArn"] = "arn:aws:lambda:us-west-2:123456789012:function:handler",
                    ["Role"] = "arn:aws:iam::123456789012:role/delivery",
                }),
            },
        };
        var (outcome, _) = await lambda.InvokeAsync("provider", create.ToJsonString());
        if (outcome.Error is not null || endpoint.Taken.Count != number + 1)
            throw new InvalidOperationException($"Event {number} was not answered: {outcome.Error}");
    }

    private static async Task PublishAsync(string package, bool readyToRun)
    {
        var architecture = RuntimeInformation.OSArchitecture is Architecture.Arm64 ? "arm64" : "x86_64";
        var start = new ProcessStartInfo("dotnet", ["publish", ProjectFolder(), "-c", "Release", $"-p:LambdaArchitecture={architecture}", $"-p:PublishReadyToRun={readyToRun}", "-o", package])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        using var publish = Process.Start(start)!;
        var said = await publish.StandardOutput.ReadToEndAsync();
        await publish.WaitForExitAsync();
        if (publish.ExitCode != 0)
            throw new InvalidOperationException($"The provider could not be packed: {said}");
    }

    private static string ProjectFolder()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Provider.sln")))
            directory = directory.Parent ?? throw new InvalidOperationException("The benchmarks run outside the repository.");
        return Path.Combine(directory.FullName, "tests", "Provider.TestHost");
    }
}
