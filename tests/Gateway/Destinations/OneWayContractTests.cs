using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using UdpGateway.Aws;
using UdpGateway.Aws.Tests;
using UdpGateway.Gateway.Destinations;
using UdpGateway.Listeners;

namespace UdpGateway.Gateway.Tests.Destinations;

/// <summary>
/// What every destination without replies does, against a service on loopback that counts a packet as delivered when it says so.
/// A destination inherits it and says how its calls look.
/// </summary>
public abstract class OneWayContractTests
{
    protected abstract string Arn { get; }

    /// <summary>Packets of one call at most.</summary>
    protected virtual int MaxEntries => int.MaxValue;

    protected virtual DestinationArguments Arguments => new();

    private protected virtual DestinationDefinition Change(DestinationDefinition definition) => definition;

    /// <summary>Payloads of a call, in order; null for calls that carry none.</summary>
    internal abstract IReadOnlyList<string>? PayloadsOf(ReceivedRequest request);

    /// <summary>The service's answer when it takes all.</summary>
    internal virtual string Accept(ReceivedRequest request) => "{}";

    /// <summary>Whether a call can be taken in part.</summary>
    private protected virtual bool FailsInPart => false;

    /// <summary>The service's answer when it takes all but the first entry.</summary>
    internal virtual string AcceptButFirst(ReceivedRequest request, bool isTransient) => throw new NotSupportedException("Calls are taken whole.");

    [Fact]
    public async Task Delivers_every_packet_once()
    {
        await using var service = await StartAsync();

        var outcome = await service.DeliverAsync(5);

        Assert.Equal((DeliveryResult.Delivered, null, 0, 0), (outcome.Result, outcome.Problem, outcome.FailedPackets, outcome.Retried));
        Assert.Equal(DestinationUnderTest.Numbered(5), service.Delivered.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(429, "")]
    [InlineData(400, "{\"__type\":\"ThrottlingException\",\"message\":\"slow down\"}")]
    [InlineData(500, "")]
    [InlineData(503, "<html>nobody home</html>")]
    public async Task Repeats_what_is_throttled_or_fails_for_now(int status, string body)
    {
        await using var service = await StartAsync((context, request, call) => call <= 2 ? AnswerAsync(context, status, body) : LetPass);

        var outcome = await service.DeliverAsync(1);

        Assert.Equal((DeliveryResult.Delivered, 2), (outcome.Result, outcome.Retried));
        Assert.Equal(3, service.Calls.Count);
        Assert.Equal(DestinationUnderTest.Numbered(1), service.Delivered);
    }

    [Fact]
    public async Task Repeats_after_a_cut_connection()
    {
        await using var service = await StartAsync((context, request, call) =>
        {
            if (call > 1)
                return LetPass;
            context.Abort();
            return Task.FromResult(true);
        });

        var outcome = await service.DeliverAsync(1);

        Assert.Equal((DeliveryResult.Delivered, 1), (outcome.Result, outcome.Retried));
        Assert.Equal(DestinationUnderTest.Numbered(1), service.Delivered);
    }

    [Fact]
    public async Task Gives_up_after_bounded_attempts()
    {
        await using var service = await StartAsync((context, request, call) => AnswerAsync(context, 500));

        var outcome = await service.DeliverAsync(1, new RetryPolicy { MaxAttempts = 4, BaseDelay = TimeSpan.FromMilliseconds(1) });

        Assert.Equal((DeliveryResult.Failed, 1, 3), (outcome.Result, outcome.FailedPackets, outcome.Retried));
        Assert.Contains("HTTP 500", outcome.Problem, StringComparison.Ordinal);
        Assert.Equal(4, service.Calls.Count);
    }

    [Fact]
    public async Task Gives_up_when_the_time_is_over()
    {
        await using var service = await StartAsync((context, request, call) => AnswerAsync(context, 500));

        var outcome = await service.DeliverAsync(1, new RetryPolicy { TotalTime = TimeSpan.Zero });

        Assert.Equal((DeliveryResult.Failed, 1, 0), (outcome.Result, outcome.FailedPackets, outcome.Retried));
    }

    [Fact]
    public async Task Does_not_repeat_what_is_refused()
    {
        await using var service = await StartAsync((context, request, call) => AnswerAsync(context, 403, "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}"));

        var outcome = await service.DeliverAsync(1);

        Assert.Equal((DeliveryResult.Failed, 1, 0), (outcome.Result, outcome.FailedPackets, outcome.Retried));
        Assert.Contains("AccessDeniedException", outcome.Problem, StringComparison.Ordinal);
        Assert.Single(service.Calls);
    }

    [Fact]
    public async Task Adds_up_when_calls_fail_at_random()
    {
        var random = new Random(11);
        var taken = new ConcurrentQueue<string>();
        await using var service = await StartAsync((context, request, call) =>
        {
            int dice;
            lock (random)
                dice = random.Next(8);
            if (dice < 2)
                return AnswerAsync(context, 500);
            var inPart = dice < 4 && FailsInPart;
            foreach (var payload in PayloadsOf(request)!.Skip(inPart ? 1 : 0))
                taken.Enqueue(payload);
            return inPart ? AnswerAsync(context, 200, AcceptButFirst(request, isTransient: dice == 2)) : LetPass;
        });

        var sent = 0;
        var failed = 0;
        var retried = 0;
        for (var round = 0; round < 10; round++)
        {
            var count = MaxEntries == int.MaxValue ? 5 : (2 * MaxEntries) + 2;
            var outcome = await service.DeliverAsync(count, new RetryPolicy { MaxAttempts = 3, BaseDelay = TimeSpan.FromMilliseconds(1) });
            sent += count;
            failed += outcome.FailedPackets!.Value;
            retried += outcome.Retried;
            Assert.Equal(outcome.FailedPackets == 0 ? DeliveryResult.Delivered : DeliveryResult.Failed, outcome.Result);
        }

        Assert.Equal(sent - failed, taken.Count);
        Assert.InRange(retried, 1, 2 * sent);
    }

    [Fact]
    public async Task Writes_one_line_for_each_call_where_there_is_no_service()
    {
        var recorder = new Lines();
        var destination = DestinationUnderTest.Create(Arn, Arguments, arn => new AwsConnection(recorder, arn.Region.Length > 0 ? arn.Region : TestEnvironment.Region));

        var count = MaxEntries == int.MaxValue ? 3 : MaxEntries + 1;

        var outcome = await destination.DeliverAsync(DestinationUnderTest.Batch(DestinationUnderTest.Numbered(count)), CancellationToken.None);

        Assert.Equal(DeliveryResult.Delivered, outcome.Result);
        Assert.Equal(MaxEntries == int.MaxValue ? 1 : 2, recorder.Texts.Count);
        Assert.All(recorder.Texts, line => Assert.DoesNotContain('\n', line));
        Assert.All(recorder.Texts, line => Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(line).RootElement.ValueKind));
        Assert.All(DestinationUnderTest.Numbered(count), payload => Assert.Contains(recorder.Texts, line => IsIn(payload, line)));
    }

    /// <summary>Whether a recorded line holds that payload; services that take bytes have them in base64.</summary>
    protected virtual bool IsIn(string payload, string line) => line.Contains(payload, StringComparison.Ordinal);

    /// <param name="interfere">Says whether it answered the call, numbered from 1, in place of the service.</param>
    private protected Task<Service> StartAsync(Func<HttpContext, ReceivedRequest, int, Task<bool>>? interfere = null) => Service.StartAsync(this, interfere);

    private protected static Task<bool> LetPass => Task.FromResult(false);

    private protected static async Task<bool> AnswerAsync(HttpContext context, int status, string body = "")
    {
        await StubService.AnswerAsync(context, status, body);
        return true;
    }

    private sealed class Lines : IPayloadRecorder
    {
        private readonly ConcurrentQueue<string> _texts = new();

        public IReadOnlyList<string> Texts => [.. _texts];

        public void Record(ReadOnlySpan<byte> payload) => _texts.Enqueue(System.Text.Encoding.UTF8.GetString(payload));
    }

    internal sealed class Service : IAsyncDisposable
    {
        private readonly ConcurrentQueue<IReadOnlyList<string>> _calls = new();
        private readonly ConcurrentQueue<string> _delivered = new();
        private readonly OneWayContractTests _test;
        private StubService _stub = null!;

        private Service(OneWayContractTests test) => _test = test;

        /// <summary>Payloads of each call, as they came.</summary>
        public IReadOnlyList<IReadOnlyList<string>> Calls => [.. _calls];

        /// <summary>Payloads of the calls that were taken whole.</summary>
        public IReadOnlyList<string> Delivered => [.. _delivered];

        public static async Task<Service> StartAsync(OneWayContractTests test, Func<HttpContext, ReceivedRequest, int, Task<bool>>? interfere)
        {
            var service = new Service(test);
            service._stub = await StubService.StartAsync((context, _) => service.AnswerAsync(context, interfere));
            return service;
        }

        public Task<DeliveryOutcome> DeliverAsync(int packets, RetryPolicy? retries = null)
        {
            var destination = DestinationUnderTest.Create(
                _test.Arn, _test.Arguments, arn => new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, _stub.Url), retries: retries, change: _test.Change);
            return destination.DeliverAsync(DestinationUnderTest.Batch(DestinationUnderTest.Numbered(packets)), CancellationToken.None);
        }

        public ValueTask DisposeAsync() => _stub.DisposeAsync();

        private async Task AnswerAsync(HttpContext context, Func<HttpContext, ReceivedRequest, int, Task<bool>>? interfere)
        {
            var request = StubService.RequestOf(context);
            if (_test.PayloadsOf(request) is not { } payloads)
            {
                await StubService.AnswerAsync(context, 200, _test.Accept(request));
                return;
            }

            int number;
            lock (_calls)
            {
                _calls.Enqueue(payloads);
                number = _calls.Count;
            }

            if (interfere is not null && await interfere(context, request, number))
                return;

            foreach (var payload in payloads)
                _delivered.Enqueue(payload);
            await StubService.AnswerAsync(context, 200, _test.Accept(request));
        }
    }
}
