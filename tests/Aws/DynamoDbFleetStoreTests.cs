using System.Text.Json.Nodes;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Aws.Tests;

public sealed class DynamoDbFleetStoreTests(MotoServer moto) : IClassFixture<MotoServer>, IDisposable
{
    private readonly MotoTable _table = new(moto);

    public void Dispose() => _table.Dispose();

    [RequiresMotoFact]
    public async Task A_port_has_one_claimant_at_a_time()
    {
        var store = await OpenAsync();

        var claims = await Task.WhenAll(Enumerable.Range(0, 8).Select(number => Task.Run(() => store.TryClaimPortAsync("default", 51820, $"l{number}", default))));

        var winner = $"l{Assert.Single(claims.Index(), claim => claim.Item).Index}";
        Assert.True(await store.TryClaimPortAsync("default", 51820, winner, default));
        Assert.False(await store.TryClaimPortAsync("default", 51820, "other", default));
        Assert.True(await store.TryClaimPortAsync("second", 51820, "other", default));
        Assert.Equal(new Dictionary<int, string> { [51820] = winner }, await store.ReadPortClaimsAsync("default", default));
    }

    [RequiresMotoFact]
    public async Task Only_the_claimant_gives_a_port_back()
    {
        var store = await OpenAsync();
        await store.TryClaimPortAsync("default", 53, "echo", default);

        await store.ReleasePortAsync("default", 53, "other", default);
        Assert.False(await store.TryClaimPortAsync("default", 53, "other", default));
        await store.ReleasePortAsync("default", 53, "echo", default);
        await store.ReleasePortAsync("default", 53, "echo", default);

        Assert.True(await store.TryClaimPortAsync("default", 53, "other", default));
    }

    [RequiresMotoFact]
    public async Task The_newest_report_of_each_task_is_read()
    {
        var store = await OpenAsync();
        await store.WriteReportAsync(Report("a") with { ServedRevision = 1 }, default);
        await store.WriteReportAsync(Report("a") with { ServedRevision = 2, Failures = new Dictionary<string, string> { ["echo"] = "Port 53 is taken.", ["long"] = new string('x', 5000) } }, default);
        await store.WriteReportAsync(Report("b") with { IsDraining = true }, default);
        await store.WriteReportAsync(Report("c") with { FleetName = "second" }, default);

        var reports = await store.ReadReportsAsync("default", default);

        Assert.Equal(["a", "b"], reports.Select(report => report.TaskId));
        Assert.Equal(("10.0.0.1", 2L, false, true), (reports[0].Address, reports[0].ServedRevision, reports[0].IsDraining, reports[0].IsLiving));
        Assert.Equal("Port 53 is taken.", reports[0].Failures["echo"]);
        Assert.Equal(1001, reports[0].Failures["long"].Length);
        Assert.True(reports[1].IsDraining);
        Assert.False(reports[1].IsLiving);

        await store.RemoveReportAsync("default", "a", default);
        await store.RemoveReportAsync("default", "a", default);
        Assert.Equal("b", Assert.Single(await store.ReadReportsAsync("default", default)).TaskId);
    }

    [RequiresMotoFact]
    public async Task A_report_is_as_old_as_the_service_says_whatever_the_clocks_of_writer_and_reader()
    {
        var connection = await _table.ConnectAsync();
        var behind = new DynamoDbFleetStore(connection, _table.Name, time: new ShiftedTime(TimeSpan.FromMinutes(-3)));
        var ahead = new DynamoDbFleetStore(connection, _table.Name, time: new ShiftedTime(TimeSpan.FromMinutes(4)));
        await behind.WriteReportAsync(Report("a"), default);
        await ahead.WriteReportAsync(Report("b"), default);

        Assert.All(await ahead.ReadReportsAsync("default", default), report => Assert.InRange(report.Age, TimeSpan.Zero, TimeSpan.FromMinutes(1)));
        Assert.All(await behind.ReadReportsAsync("default", default), report => Assert.InRange(report.Age, TimeSpan.Zero, TimeSpan.FromMinutes(1)));
    }

    [RequiresMotoFact]
    public async Task A_task_that_stopped_reporting_is_not_living()
    {
        var store = await OpenAsync();
        await store.WriteReportAsync(Report("a"), default);
        var earlier = DateTimeOffset.UtcNow.AddSeconds(-20).ToUnixTimeMilliseconds();
        await new DynamoDbClient(_table.Connect(moto.Url)).UpdateItemAsync(
            new JsonObject
            {
                ["TableName"] = _table.Name,
                ["Key"] = DynamoDbTable.Key("tasks#default", "a"),
                ["UpdateExpression"] = "SET ReportedAt = :t",
                ["ExpressionAttributeValues"] = new JsonObject { [":t"] = DynamoDbAttribute.Number(earlier) },
            },
            default);

        var report = Assert.Single(await store.ReadReportsAsync("default", default));

        Assert.False(report.IsLiving);
        Assert.True(report.Age > GatewayTaskReport.LivingAge);
    }

    [RequiresMotoFact]
    public async Task Orphans_are_as_old_as_the_time_since_they_were_first_among_them_without_a_break()
    {
        var store = await OpenAsync();

        Assert.Equal([TimeSpan.Zero, TimeSpan.Zero], (await store.NoteOrphansAsync("default", ["port 53", "group a"], default)).Values);
        await AgeAsync("port 53");
        await AgeAsync("group a");
        Assert.InRange(Assert.Single(await store.NoteOrphansAsync("default", ["port 53"], default)).Value, TimeSpan.FromHours(6.9), TimeSpan.FromHours(7.1));
        var later = await store.NoteOrphansAsync("default", ["port 53", "group a"], default);

        Assert.True(later["port 53"] > TimeSpan.FromHours(6));
        Assert.Equal(TimeSpan.Zero, later["group a"]);
        Assert.Equal(TimeSpan.Zero, Assert.Single(await store.NoteOrphansAsync("second", ["port 53"], default)).Value);

        Task AgeAsync(string orphan) => new DynamoDbClient(_table.Connect(moto.Url)).UpdateItemAsync(
            new JsonObject
            {
                ["TableName"] = _table.Name,
                ["Key"] = DynamoDbTable.Key("orphans#default", orphan),
                ["UpdateExpression"] = "SET NotedAt = :t",
                ["ExpressionAttributeValues"] = new JsonObject { [":t"] = DynamoDbAttribute.Number(DateTimeOffset.UtcNow.AddHours(-7).ToUnixTimeMilliseconds()) },
            },
            default);
    }

    private async Task<DynamoDbFleetStore> OpenAsync() => new(await _table.ConnectAsync(), _table.Name);

    private static GatewayTaskReport Report(string taskId) => new() { TaskId = taskId, FleetName = "default", Address = "10.0.0.1", ServedRevision = 1 };

    private sealed class ShiftedTime(TimeSpan shift) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + shift;
    }
}
