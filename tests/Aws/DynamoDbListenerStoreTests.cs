using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Aws.Tests;
using UdpGateway.Listeners.Storage;
using UdpGateway.Tests;

// The contract's own namespace, since it is compiled here too.
namespace UdpGateway.Listeners.Tests.Storage
{
    /// <summary>A sentence of the store's contract, where moto is.</summary>
    public sealed class StoreFactAttribute([CallerMemberName] string? test = null)
        : SkippableFactAttribute(RequiresMotoFactAttribute.IsAvailable ? null : "The moto server is not installed: pip install 'moto[server]'.", test);
}

namespace UdpGateway.Aws.Tests
{
    public sealed class DynamoDbListenerStoreTests(MotoServer moto) : Listeners.Tests.Storage.ListenerStoreContract, IClassFixture<MotoServer>, IDisposable
    {
        private readonly MotoTable _table = new(moto);

        public void Dispose() => _table.Dispose();

        protected override async Task<IListenerStore> OpenAsync() => new DynamoDbListenerStore(await _table.ConnectAsync(), _table.Name);

        [RequiresMotoFact]
        public async Task A_record_that_no_item_can_hold_is_refused_with_its_size()
        {
            var store = await OpenAsync();

            var refusal = await Assert.ThrowsAsync<RecordTooLargeException>(() => store.TryWriteAsync(Record("echo") with { Definition = Definition("echo") with { Description = new string('x', 410_000) } }, 0, default));

            Assert.StartsWith("The resource Listener takes 410,", refusal.Message, StringComparison.Ordinal);
            Assert.Contains("at most 409,600", refusal.Message, StringComparison.Ordinal);
            Assert.Throws<RecordTooLargeException>(() => store.RequireRoom(Record("echo") with { Definition = Definition("echo") with { Description = new string('x', 410_000) } }));
            var large = Record("echo") with { Definition = Definition("echo") with { Description = new string('x', 400_000) } };
            store.RequireRoom(large);
            Assert.True(await store.TryWriteAsync(large, 0, default));
        }

        [RequiresMotoFact]
        public async Task Configurations_of_several_pages_are_read_whole()
        {
            var store = await OpenAsync();
            foreach (var name in (string[])["a", "b", "c", "d"])
                await store.TryWriteAsync(Record(name) with { Definition = Definition(name) with { Description = new string('x', 390_000) } }, 0, default);

            Assert.Equal(["a", "b", "c", "d"], (await store.ReadConfigurationAsync(default)).Listeners.Select(record => record.PhysicalResourceId));
            Assert.Equal(4, (await store.FindByOwnerAsync<ListenerRecord>("stack", "Listener", default)).Count);
        }

        [RequiresMotoFact]
        public async Task Polling_the_revision_is_one_GetItem_and_nothing_scans()
        {
            await using var proxy = await FaultyProxy.StartAsync(moto.Url);
            await OpenAsync();
            var store = new DynamoDbListenerStore(_table.Connect(proxy.Url), _table.Name);
            await store.TryWriteAsync(Record("echo"), 0, default);
            await store.ReadConfigurationAsync(default);
            await store.FindByOwnerAsync<ListenerRecord>("stack", "Listener", default);
            Assert.DoesNotContain("Scan", proxy.Operations);
            var before = proxy.Operations.Count;

            await store.ReadRevisionAsync(default);

            Assert.Equal(["GetItem"], proxy.Operations.Skip(before));
        }

        [RequiresMotoFact]
        public async Task Any_call_may_be_throttled_or_lose_its_answer_once()
        {
            await using var proxy = await FaultyProxy.StartAsync(moto.Url);
            await OpenAsync();
            var request = new RequestKey("stack", "Listener", "r1");
            var store = new DynamoDbListenerStore(_table.Connect(proxy.Url), _table.Name);
            foreach (var fault in Enum.GetValues<Fault>())
            {
                var name = $"echo-{fault}";
                var event1 = request with { RequestId = name };
                proxy.FailEveryOther(fault);

                Assert.True(await store.TryWriteAsync(Record(name), 0, default));
                var version = (await store.FindAsync<ListenerRecord>(name, default))!.Version;
                Assert.True(await store.TryWriteAsync(Record(name) with { Port = 2 }, version, default));
                Assert.False(await store.TryWriteAsync(Record(name) with { Port = 3 }, version, default));
                var written = (await store.FindAsync<ListenerRecord>(name, default))!;
                Assert.Equal(2, written.Port);
                Assert.True(await store.TryDeleteAsync<ListenerRecord>(name, written.Version, default));
                Assert.True((await store.BeginRequestAsync(event1, default)).IsNewest);
                Assert.Equal("answer"u8.ToArray(), (await store.DecideAnswerAsync(event1, "answer"u8.ToArray(), default)).ToArray());
                Assert.Equal("answer"u8.ToArray(), (await store.DecideAnswerAsync(event1, "other"u8.ToArray(), default)).ToArray());
            }

            Assert.Equal(3 * Enum.GetValues<Fault>().Length, await store.ReadRevisionAsync(default));
        }

        [Fact]
        public async Task What_keeps_failing_ends_with_the_patience_or_the_caller()
        {
            await using var service = await StubService.StartAsync((context, _) => StubService.AnswerAsync(
                context, (int)HttpStatusCode.BadRequest, """{"__type":"com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException","message":"slow down"}"""));
            using var connection = new AwsConnection(TestEnvironment.Credentials, TestEnvironment.Region, service.Url);

            var failure = await Assert.ThrowsAsync<AwsServiceException>(() => new DynamoDbListenerStore(connection, "t", TimeSpan.FromMilliseconds(300)).ReadRevisionAsync(default));
            Assert.Equal(AwsFailure.Throttled, failure.Failure);
            Assert.True(service.Requests.Count > 1);

            using var cancelled = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => new DynamoDbListenerStore(connection, "t").ReadRevisionAsync(cancelled.Token));
        }

        [RequiresMotoFact]
        public async Task A_missing_table_is_an_error_at_once()
        {
            using var connection = new AwsConnection(moto.Administrator, TestEnvironment.Region, moto.Url);

            var failure = await Assert.ThrowsAsync<AwsServiceException>(() => new DynamoDbListenerStore(connection, "absent").ReadRevisionAsync(default));

            Assert.Equal("ResourceNotFoundException", failure.ErrorCode);
        }

        [RequiresMotoFact]
        public async Task A_damaged_item_is_named()
        {
            var store = await OpenAsync();
            await store.TryWriteAsync(Record("echo"), 0, default);
            await _table.OverwriteListenerAsync("echo", "{");

            var damage = await Assert.ThrowsAsync<InvalidDataException>(() => store.FindAsync<ListenerRecord>("echo", default));

            Assert.Contains("configuration / Listener#echo", damage.Message, StringComparison.Ordinal);
        }

        [RequiresMotoFact]
        public async Task What_a_newer_version_added_to_a_record_is_passed_over()
        {
            var store = await OpenAsync();
            await store.TryWriteAsync(Record("echo"), 0, default);
            var record = (await store.FindAsync<ListenerRecord>("echo", default))!;
            var content = Content(record);
            content["Novelty"] = new JsonObject { ["Depth"] = 1 };
            content["Definition"]!["Novelty"] = true;

            await _table.OverwriteListenerAsync("echo", content.ToJsonString());

            Assert.Equal(Content(record).ToJsonString(), Content((await store.FindAsync<ListenerRecord>("echo", default))!).ToJsonString());
        }

        [RequiresMotoFact]
        public async Task A_listener_that_cannot_be_read_is_told_to_gateways_and_stops_whoever_may_clean_up()
        {
            var store = await OpenAsync();
            foreach (var name in (string[])["readable", "newer", "broken"])
                await store.TryWriteAsync(Record(name), 0, default);
            var newer = Content((await store.FindAsync<ListenerRecord>("newer", default))!);
            newer["Definition"]!["Protocol"] = "Dtls";
            newer["Definition"]!["Fleet"] = "other";
            await _table.OverwriteListenerAsync("newer", newer.ToJsonString());
            await _table.OverwriteListenerAsync("broken", "{");

            var forGateways = await new DynamoDbListenerStore(await _table.ConnectAsync(), _table.Name) { PassesOverUnreadable = true }.ReadConfigurationAsync(default);

            Assert.Equal(["readable"], forGateways.Listeners.Select(record => record.PhysicalResourceId));
            Assert.Equal([new("broken", 3, null), new("newer", 2, "other")], forGateways.Unreadable);
            await Assert.ThrowsAsync<InvalidDataException>(() => store.ReadConfigurationAsync(default));
        }

        private static JsonNode Content(ListenerRecord record) => JsonSerializer.SerializeToNode<ResourceRecord>(record, ListenerJson.Default.ResourceRecord)!;
    }
}
