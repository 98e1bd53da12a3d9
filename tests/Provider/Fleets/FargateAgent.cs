using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using UdpGateway.Aws.Tests;
using UdpGateway.Tests;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>
/// What moto lacks: it runs real gateway processes for ECS services, each with a loopback address of its own, replaces them when the task
/// definition changes, stops them with SIGTERM, and judges the targets of groups by asking their health as a balancer does.
/// </summary>
internal sealed partial class FargateAgent : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);
    private static int _addresses;

    private readonly Func<string, JsonObject, Task<JsonNode>> _ecs;
    private readonly IReadOnlyDictionary<string, string> _environment;
    private readonly ConcurrentDictionary<string, string> _services = new();
    private readonly ConcurrentDictionary<string, (string Path, int Port)> _healthChecks = new();
    private readonly ConcurrentDictionary<string, int> _asked = new();
    private readonly ConcurrentDictionary<string, AgentTask> _tasks = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(2) };
    private StubService _metadata = null!;
    private Task _running = Task.CompletedTask;

    private FargateAgent(AwsProxy proxy, Func<string, JsonObject, Task<JsonNode>> ecs, IReadOnlyDictionary<string, string> environment)
    {
        _ecs = ecs;
        _environment = environment;
        proxy.Replace = ReplaceAsync;
        proxy.Change = ChangeAsync;
    }

    public IReadOnlyList<AgentTask> Tasks => [.. _tasks.Values.OrderBy(task => task.Id, StringComparer.Ordinal)];

    /// <summary>Gets the event that ECS gives EventBridge when a task ends.</summary>
    public Action<JsonObject> Announce { get; set; } = static _ => { };

    public IEnumerable<AgentTask> Running => Tasks.Where(task => task.StoppedAt is null);

    /// <param name="proxy">Before moto; the agent answers in its place where moto knows no tasks.</param>
    /// <param name="ecs">Calls moto itself.</param>
    /// <param name="environment">Of every task, beside its definition's.</param>
    public static async Task<FargateAgent> StartAsync(AwsProxy proxy, Func<string, JsonObject, Task<JsonNode>> ecs, IReadOnlyDictionary<string, string> environment)
    {
        var agent = new FargateAgent(proxy, ecs, environment);
        agent._metadata = await StubService.StartAsync((context, _) => agent.DescribeSelfAsync(context));
        agent._running = Task.Run(agent.RunAsync);
        return agent;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        foreach (var task in _tasks.Values)
            task.Dispose();
        await _metadata.DisposeAsync();
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            foreach (var (service, cluster) in _services)
                await FollowAsync(cluster, service);
            await Task.Delay(Pause);
        }
    }

    private async Task FollowAsync(string cluster, string service)
    {
        var description = (await _ecs("DescribeServices", new JsonObject { ["cluster"] = cluster, ["services"] = new JsonArray(service) }))["services"]!.AsArray().FirstOrDefault();
        var isActive = description?["status"]?.GetValue<string>() == "ACTIVE";
        var desired = isActive ? description!["desiredCount"]!.GetValue<int>() : 0;
        var definition = description?["taskDefinition"]?.GetValue<string>() ?? "";
        foreach (var task in Of(service).Where(task => task.StoppedAt is null))
        {
            if (task.NoticeEnd())
                Announce(task.StoppedEvent());
        }

        var current = Of(service).Where(task => task.StoppedAt is null && !task.IsStopping && task.Definition == definition).ToList();
        for (var count = current.Count; count < desired; count++)
            await StartTaskAsync(cluster, service, definition);
        foreach (var excess in current.Skip(desired))
            excess.Stop();

        // The old ones go when as many new ones are healthy.
        var healthy = 0;
        foreach (var task in current.Take(desired))
            healthy += await IsHealthyAsync(task) ? 1 : 0;
        if (healthy == desired)
        {
            foreach (var old in Of(service).Where(task => task.StoppedAt is null && task.Definition != definition))
                old.Stop();
        }
    }

    private IEnumerable<AgentTask> Of(string service) => _tasks.Values.Where(task => task.Service == service);

    private async Task StartTaskAsync(string cluster, string service, string definition)
    {
        var container = (await _ecs("DescribeTaskDefinition", new JsonObject { ["taskDefinition"] = definition }))["taskDefinition"]!["containerDefinitions"]![0]!;
        var id = Guid.NewGuid().ToString("N");
        var number = Interlocked.Increment(ref _addresses) + 1;
        var task = new AgentTask(id, service, definition, $"arn:aws:ecs:{TestEnvironment.Region}:123456789012:task/{cluster}/{id}", new IPAddress([127, 0, (byte)(1 + (number / 250)), (byte)(1 + (number % 250))]));
        _tasks[id] = task;
        if (container["image"]!.GetValue<string>().Contains("missing", StringComparison.Ordinal))
        {
            task.End("TaskFailedToStart", $"CannotPullContainerError: pull image manifest has been retried 5 time(s): {container["image"]}: not found");
            await Task.Delay(Pause);
            return;
        }

        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "UdpGateway.Gateway.dll")]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in _environment)
            start.Environment[name] = value;
        foreach (var variable in container["environment"]!.AsArray())
            start.Environment[variable!["name"]!.GetValue<string>()] = variable["value"]!.GetValue<string>();
        // What the task's own network namespace would give.
        start.Environment["ECS_CONTAINER_METADATA_URI_V4"] = new Uri(_metadata.Url, id).AbsoluteUri;
        start.Environment["UDPGW_BIND"] = task.Address.ToString();
        start.Environment["UDPGW_ADMIN_PORT"] = task.AdminPort.ToString(CultureInfo.InvariantCulture);
        task.Start(start);
    }

    private async Task<bool> IsHealthyAsync(AgentTask task) => await AsksWellAsync(new Uri($"http://127.0.0.1:{task.AdminPort}/healthz"));

    private async Task<bool> AsksWellAsync(Uri uri)
    {
        try
        {
            using var response = await _http.GetAsync(uri);
            return response.IsSuccessStatusCode;
        }
        catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
        {
            return false;
        }
    }

    private Task DescribeSelfAsync(Microsoft.AspNetCore.Http.HttpContext context)
    {
        var task = _tasks[context.Request.Path.Value!.Split('/')[1]];
        return StubService.AnswerAsync(context, 200, new JsonObject
        {
            ["TaskARN"] = task.Arn,
            ["Containers"] = new JsonArray(new JsonObject { ["Networks"] = new JsonArray(new JsonObject { ["NetworkMode"] = "awsvpc", ["IPv4Addresses"] = new JsonArray(task.Address.ToString()) }) }),
        }.ToJsonString());
    }

    private Task<ProxiedAnswer?> ReplaceAsync(ProxiedCall call)
    {
        if (call is not { Service: "ecs", Operation: "ListTasks" or "DescribeTasks" })
            return Task.FromResult<ProxiedAnswer?>(null);
        var input = JsonNode.Parse(call.Body)!;
        var answer = call.Operation == "ListTasks"
            ? new JsonObject
            {
                ["taskArns"] = new JsonArray([.. Of(input["serviceName"]!.GetValue<string>())
                    .Where(task => task.StoppedAt is null == (input["desiredStatus"]!.GetValue<string>() == "RUNNING"))
                    .Select(task => JsonValue.Create(task.Arn))]),
            }
            : new JsonObject { ["tasks"] = new JsonArray([.. input["tasks"]!.AsArray().Select(arn => Tasks.First(task => task.Arn == arn!.GetValue<string>()).Describe())]) };
        return Task.FromResult<ProxiedAnswer?>(ProxiedAnswer.Json(answer.ToJsonString()));
    }

    private async Task<ProxiedAnswer> ChangeAsync(ProxiedCall call, ProxiedAnswer answer)
    {
        if (answer.Status >= 300)
            return answer;
        switch (call)
        {
            case { Service: "ecs", Operation: "CreateService" }:
                var made = JsonNode.Parse(call.Body)!;
                _services[made["serviceName"]!.GetValue<string>()] = made["cluster"]!.GetValue<string>();
                return answer;
            case { Service: "ecs", Operation: "DescribeServices" }:
                return ProxiedAnswer.Json(await CountTasksAsync(JsonNode.Parse(answer.Body)!));
            case { Operation: "CreateTargetGroup" }:
                var form = System.Web.HttpUtility.ParseQueryString(call.Text);
                _healthChecks[Text(XElement.Parse(answer.Text), "TargetGroupArn")] = (form["HealthCheckPath"]!, int.Parse(form["HealthCheckPort"]!, CultureInfo.InvariantCulture));
                return answer;
            case { Operation: "DescribeTargetHealth" }:
                var group = System.Web.HttpUtility.ParseQueryString(call.Text)["TargetGroupArn"]!;
                return answer with { Body = Encoding.UTF8.GetBytes(await JudgeAsync(group, XElement.Parse(answer.Text))) };
            default:
                return answer;
        }
    }

    private async Task<string> CountTasksAsync(JsonNode answer)
    {
        foreach (var service in answer["services"]!.AsArray())
        {
            var definition = service!["taskDefinition"]!.GetValue<string>();
            var desired = service["desiredCount"]!.GetValue<int>();
            var running = Of(service["serviceName"]!.GetValue<string>()).Where(task => task.StoppedAt is null).ToList();
            var current = running.Where(task => task.Definition == definition && !task.IsStopping).ToList();
            var healthy = 0;
            foreach (var task in current)
                healthy += await IsHealthyAsync(task) ? 1 : 0;
            var old = running.Where(task => task.Definition != definition).Select(task => task.Definition).Distinct().ToList();
            service["runningCount"] = running.Count;
            service["pendingCount"] = Math.Max(0, desired - current.Count);
            service["deployments"] = new JsonArray(
            [
                Deployment("PRIMARY", definition, healthy == desired && old.Count == 0 ? "COMPLETED" : "IN_PROGRESS"),
                .. old.Select(definition => Deployment("ACTIVE", definition, "COMPLETED")),
            ]);
        }

        return answer.ToJsonString();

        static JsonNode Deployment(string status, string definition, string state) => new JsonObject { ["status"] = status, ["taskDefinition"] = definition, ["rolloutState"] = state };
    }

    // A new target is initial for two looks, as for a balancer's first two checks.
    private async Task<string> JudgeAsync(string group, XElement answer)
    {
        var (path, port) = _healthChecks[group];
        foreach (var description in answer.Descendants().Where(element => element.Name.LocalName == "member" && element.Elements().Any(child => child.Name.LocalName == "TargetHealth")).ToList())
        {
            var address = Text(description, "Id");
            var isInitial = _asked.AddOrUpdate($"{group} {address}", 1, (_, asked) => asked + 1) <= 2;
            var state = isInitial ? "initial" : await AsksWellAsync(new Uri($"http://{address}:{port}{path}")) ? "healthy" : "unhealthy";
            var health = description.Elements().First(child => child.Name.LocalName == "TargetHealth");
            health.Elements().First(child => child.Name.LocalName == "State").Value = state;
            if (state != "healthy")
                health.Add(new XElement(health.Name.Namespace + "Reason", isInitial ? "Elb.RegistrationInProgress" : "Target.FailedHealthChecks"));
        }

        return answer.ToString();
    }

    private static string Text(XElement element, string name) => element.Descendants().First(descendant => descendant.Name.LocalName == name).Value;

    /// <summary>A gateway process in the place of a Fargate task.</summary>
    internal sealed partial class AgentTask(string id, string service, string definition, string arn, IPAddress address) : IDisposable
    {
        private readonly StringBuilder _output = new();
        private Process? _process;

        public string Id => id;

        public string Service => service;

        public string Definition => definition;

        public string Arn => arn;

        public IPAddress Address => address;

        public int AdminPort { get; } = FreePort();

        public bool IsStopping { get; private set; }

        public DateTimeOffset? StoppedAt { get; private set; }

        public int? ExitCode { get; private set; }

        public string? StopCode { get; private set; }

        public string? Reason { get; private set; }

        public string Output
        {
            get
            {
                lock (_output)
                    return _output.ToString();
            }
        }

        public void Start(ProcessStartInfo start)
        {
            _process = Process.Start(start)!;
            _process.OutputDataReceived += Append;
            _process.ErrorDataReceived += Append;
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();

            void Append(object sender, DataReceivedEventArgs line)
            {
                lock (_output)
                    _output.AppendLine(line.Data);
            }
        }

        public void Stop()
        {
            if (IsStopping || _process is null)
                return;
            IsStopping = true;
            _ = SendSignal(_process.Id, 15);
        }

        /// <summary>Like a host that dies: no signal that the process could see.</summary>
        public void Kill() => _process!.Kill(entireProcessTree: true);

        public bool NoticeEnd()
        {
            if (_process is not { HasExited: true })
                return false;
            ExitCode = _process.ExitCode;
            End(IsStopping ? "ServiceSchedulerInitiated" : "EssentialContainerExited", IsStopping ? "Scaling activity initiated" : $"Essential container in task exited: {ExitCode}");
            return true;
        }

        public JsonObject StoppedEvent() => new()
        {
            ["source"] = "aws.ecs",
            ["detail-type"] = "ECS Task State Change",
            ["detail"] = new JsonObject
            {
                ["group"] = $"service:{service}",
                ["clusterArn"] = $"arn:aws:ecs:{TestEnvironment.Region}:123456789012:cluster/{arn.Split('/')[1]}",
                ["taskArn"] = arn,
                ["lastStatus"] = "STOPPED",
            },
        };

        public void End(string stopCode, string reason) => (StoppedAt, StopCode, Reason) = (DateTimeOffset.UtcNow, stopCode, reason);

        public JsonNode Describe() => new JsonObject
        {
            ["taskArn"] = arn,
            ["taskDefinitionArn"] = definition,
            ["lastStatus"] = StoppedAt is null ? "RUNNING" : "STOPPED",
            ["stoppedAt"] = StoppedAt?.ToUnixTimeMilliseconds() / 1000.0,
            ["stopCode"] = StopCode,
            ["stoppedReason"] = Reason,
            ["containers"] = new JsonArray(),
            ["attachments"] = new JsonArray(new JsonObject
            {
                ["type"] = "ElasticNetworkInterface",
                ["details"] = new JsonArray(new JsonObject { ["name"] = "privateIPv4Address", ["value"] = address.ToString() }),
            }),
        };

        public void Dispose()
        {
            if (_process is { HasExited: false })
                _process.Kill(entireProcessTree: true);
            _process?.Dispose();
        }

        private static int FreePort()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
        private static partial int SendSignal(int processId, int signal);
    }
}
