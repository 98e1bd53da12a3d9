using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners;
using UdpGateway.Provider.Tests.TestDoubles;
using UdpGateway.Tests;
using Xunit.Abstractions;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>What happens to one call of an operation.</summary>
public enum InjectedFault
{
    Throttling,
    ServerError,

    /// <summary>Slower than the caller waits; the call took effect.</summary>
    SlowAnswer,

    /// <summary>The call took effect.</summary>
    AnswerLost,

    /// <summary>The call took effect, and nothing that the provider does after it reaches anybody. A new provider gets the event again.</summary>
    Crash,
}

/// <summary>
/// Lives of a resource, as many as its longest operation has calls: in the n-th, the n-th call of each operation meets the fault. After each operation
/// its event comes again, and after each life there is what was there before.
/// </summary>
internal sealed class FaultRun : IAsyncDisposable
{
    private static readonly AwsPatience Patience = new(TimeSpan.FromSeconds(10), TimeSpan.FromMilliseconds(10));

    // Waited for once for every call. On a busy machine a call without a fault may take longer and be repeated too.
    private static readonly AwsPatience Impatience = Patience with { LongestAttempt = TimeSpan.FromSeconds(0.3) };

    private readonly MotoServer _moto;
    private readonly InjectedFault _kind;
    private readonly Dictionary<string, int> _calls = [];
    private readonly Dictionary<string, int> _met = [];
    private readonly List<Task> _crashed = [];
    private readonly ConcurrentBag<AwsProxy> _proxies = [];
    private PaperTasks _tasks = null!;
    private int _number;
    private int _swept;

    private FaultRun(MotoServer moto, InjectedFault kind) => (_moto, _kind) = (moto, kind);

    public FleetCloud Cloud { get; private set; } = null!;

    public CustomerAccount Customer { get; private set; } = null!;

    /// <summary>Of this life: what the table keeps of former events is no part of it.</summary>
    public string StackId => $"arn:aws:cloudformation:us-west-2:123456789012:stack/life{_number}/5b1c2f50-0000-1111-2222-333344445555";

    public static async Task<FaultRun> StartAsync(MotoServer moto, InjectedFault kind)
    {
        var run = new FaultRun(moto, kind) { Cloud = await FleetCloud.StartAsync(moto), Customer = await CustomerAccount.CreateAsync(moto, stackId: null) };
        run._tasks = new PaperTasks(run.Cloud);
        return run;
    }

    /// <param name="live">One life.</param>
    /// <param name="fleets">All that it may make.</param>
    public async Task RepeatAsync(Func<FaultRun, Task> live, ITestOutputHelper output, params string[] fleets)
    {
        var time = Stopwatch.StartNew();
        var before = await Cloud.InventoryAsync(Customer, fleets);
        await live(this);
        // Each call meets one kind at least, every kind with UDPGW_LONG_TESTS=1.
        var (first, stride) = Environment.GetEnvironmentVariable("UDPGW_LONG_TESTS") == "1" ? (1, 1) : ((int)_kind + 1, Enum.GetValues<InjectedFault>().Length);
        for (_number = first; _number <= _calls.Values.Max(); _number += stride)
        {
            await live(this);
            await RequireNothingLeftAsync(before, fleets);
        }

        await Task.WhenAll(_crashed);
        var total = _calls.Values.Sum();
        output.WriteLine($"{_kind}: {_met.Values.Sum()} of {total} calls met it in {time.Elapsed.TotalSeconds:0} s: {string.Join(", ", _met.Select(operation => $"{operation.Key} {operation.Value}"))}."
            + (_swept > 0 ? $" {_swept} secrets were left to the sweep." : "") + (stride > 1 ? " The others meet it with UDPGW_LONG_TESTS=1." : ""));
        Assert.Equal(_calls.Select(operation => KeyValuePair.Create(operation.Key, Enumerable.Range(1, operation.Value).Count(number => (number - first) % stride == 0))), _met);
    }

    /// <summary>Whether one of the operations has that many calls; a life may leave out others.</summary>
    public bool Wants(params IEnumerable<string> operations) => _number == 0 || operations.Any(operation => _calls[operation] >= _number);

    /// <summary>An operation with its fault.</summary>
    /// <param name="operation">Unique in a life.</param>
    public async Task<Answer> RunAsync(string operation, string type, string logicalId, string requestType, JsonObject? properties, string? physicalResourceId)
    {
        var sent = Cloud.Event(type, logicalId, requestType, properties, physicalResourceId, StackId);
        var (proxy, provider) = await StartProviderAsync();
        var (count, met) = (0, "no call");
        var isToFail = _number > 0 && Wants(operation);
        var crashed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        proxy.Fault = call =>
        {
            var number = Interlocked.Increment(ref count);
            if (!isToFail)
                return null;
            if (number == _number)
                met = call.ToString();
            return FaultOf(number);
        };
        proxy.TookEffect = (_, fault) =>
        {
            if (fault is ProxyFault.AnswerWithheld)
                crashed.SetResult();
        };

        Answer? answer = null;
        if (_kind is InjectedFault.Crash && isToFail)
        {
            using var crash = new CancellationTokenSource();
            var handled = Cloud.SendAsync(provider, sent, TimeSpan.FromSeconds(20), crash.Token);
            await Task.WhenAny(crashed.Task, handled);
            // CloudFormation may have the answer already: the process still had to note that.
            answer = Cloud.AnswerTo(sent);
            await crash.CancelAsync();
            _crashed.Add(EndAsync(handled, proxy));
            (proxy, provider) = await StartProviderAsync();
            sent = Cloud.Again(sent);
        }

        var answered = await Cloud.SendAsync(provider, sent);
        // One call that fails is made up for within the event.
        Assert.True(answered.Succeeded, $"{_kind} at call {_number} of {operation} ({met}): {answered.Reason} The last calls: {string.Join(", ", proxy.Calls.TakeLast(20))}");
        Assert.Equal((answer ?? answered).Body, answered.Body);
        var calls = count;
        proxy.Fault = static _ => null;
        Assert.Equal(answered.Body, (await Cloud.SendAsync(provider, Cloud.Again(sent))).Body);
        _proxies.Add(proxy);
        if (_number == 0)
            (_calls[operation], _met[operation]) = (calls, 0);
        else if (met != "no call")
            _met[operation]++;
        return answered;
    }

    /// <summary>An operation that something else needs.</summary>
    public async Task<Answer> PrepareAsync(string type, string logicalId, string requestType, JsonObject? properties, string? physicalResourceId)
    {
        var (proxy, provider) = await StartProviderAsync();
        var answer = await Cloud.SendAsync(provider, Cloud.Event(type, logicalId, requestType, properties, physicalResourceId, StackId));
        Assert.True(answer.Succeeded, $"{requestType} of {logicalId}: {answer.Reason}");
        _proxies.Add(proxy);
        return answer;
    }

    public JsonObject ListenerProperties(string name)
    {
        var properties = FleetCloud.ListenerProperties(name);
        properties["Destinations"]![0]!["Role"] = Customer.DeliveryRole;
        return properties;
    }

    public async ValueTask DisposeAsync()
    {
        await _tasks.DisposeAsync();
        await Task.WhenAll(_crashed);
        foreach (var proxy in _proxies)
            await proxy.DisposeAsync();
        await Cloud.DisposeAsync();
    }

    private ProxyFault? FaultOf(int number) => _kind switch
    {
        InjectedFault.Crash when number > _number => ProxyFault.Swallowed,
        _ when number != _number => null,
        InjectedFault.Throttling => ProxyFault.Throttled,
        InjectedFault.ServerError => ProxyFault.ServiceFault,
        InjectedFault.SlowAnswer or InjectedFault.Crash => ProxyFault.AnswerWithheld,
        InjectedFault.AnswerLost => ProxyFault.AnswerLost,
        _ => throw new InvalidOperationException($"{_kind} is no fault."),
    };

    private async Task RequireNothingLeftAsync(IReadOnlyList<string> before, string[] fleets)
    {
        var after = await Cloud.InventoryAsync(Customer, fleets);
        if (_kind is InjectedFault.Crash && after.Except(before).ToList() is { Count: > 0 } left && left.TrueForAll(thing => thing.StartsWith($"secret {ListenerSecretNames.IdPrefix}", StringComparison.Ordinal)))
        {
            // A secret is made before the record that names it, and goes after it; in between nobody else knows of it.
            _swept += left.Count;
            await Cloud.NewSweep(TimeSpan.Zero).RunAsync(FleetEvent.Scheduled, default);
            after = await Cloud.InventoryAsync(Customer, fleets);
        }

        Assert.True(before.SequenceEqual(after), $"{_kind} at call {_number} of each operation left {string.Join(", ", after.Except(before))}, and took {string.Join(", ", before.Except(after))}.");
    }

    // Not for another provider: what the crashed one still tries must reach nobody.
    private static async Task EndAsync(Task crashed, AwsProxy proxy)
    {
        await crashed;
        await proxy.DisposeAsync();
    }

    /// <summary>In the place of a new process.</summary>
    private async Task<(AwsProxy Proxy, CustomResourceHandler Provider)> StartProviderAsync()
    {
        if (!_proxies.TryTake(out var proxy))
        {
            proxy = await AwsProxy.StartAsync(_moto.Url);
            _tasks.Attach(proxy);
        }

        (proxy.Fault, proxy.TookEffect) = (static _ => null, static (_, _) => { });
        return (proxy, Cloud.Compose(proxy.Url, Customer.ServiceRole, _kind is InjectedFault.SlowAnswer && _number > 0 ? Impatience : Patience));
    }
}
