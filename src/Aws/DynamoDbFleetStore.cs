using System.Globalization;
using System.Text.Json.Nodes;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Aws;

/// <summary>Port claims and task reports of fleets, in the table that <see cref="DynamoDbListenerStore"/> describes.</summary>
/// <remarks>
/// The time of a report is DynamoDB's, from the Date of its answers, both when it is written and when its age is told. It is
/// right to about two seconds, whatever the clocks of tasks and control plane say.
/// </remarks>
public sealed class DynamoDbFleetStore : IFleetStore
{
    private const string ClaimantAttribute = "Claimant";

    // Long enough to look at what a killed task said last; nobody counts it as living any more.
    private static readonly TimeSpan ReportRetention = TimeSpan.FromHours(1);

    // Causes quote what others said; fifty of them stay far below an item's limit.
    private const int MaxCauseLength = 1000;

    private readonly DynamoDbTable _table;

    /// <param name="connection">As whom, and where; it outlives the store.</param>
    /// <param name="patience">How long what fails for a moment is repeated; null means until the caller cancels.</param>
    public DynamoDbFleetStore(AwsConnection connection, string tableName, TimeSpan? patience = null, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(tableName);
        _table = new DynamoDbTable(new DynamoDbClient(connection), tableName, patience, time ?? TimeProvider.System);
    }

    public async Task<bool> TryClaimPortAsync(string fleetName, int port, string physicalResourceId, CancellationToken cancellationToken)
    {
        var claim = DynamoDbTable.Key(PortsOf(fleetName), Text(port));
        claim[ClaimantAttribute] = DynamoDbAttribute.Text(physicalResourceId);
        var outcome = await _table.PutAsync(claim, $"attribute_not_exists(PK) OR {ClaimantAttribute} = :claimant", Claimant(physicalResourceId), cancellationToken);
        return outcome.Done;
    }

    public Task ReleasePortAsync(string fleetName, int port, string physicalResourceId, CancellationToken cancellationToken) =>
        _table.DeleteAsync(PortsOf(fleetName), Text(port), $"{ClaimantAttribute} = :claimant", Claimant(physicalResourceId), cancellationToken);

    public async Task<IReadOnlyDictionary<int, string>> ReadPortClaimsAsync(string fleetName, CancellationToken cancellationToken)
    {
        var claims = await _table.QueryAsync(PortsOf(fleetName), string.Empty, cancellationToken);
        return claims.ToDictionary(
            claim => int.Parse(DynamoDbAttribute.TextOf(claim, DynamoDbTable.SortKey), CultureInfo.InvariantCulture),
            claim => DynamoDbAttribute.TextOf(claim, ClaimantAttribute));
    }

    public async Task WriteReportAsync(GatewayTaskReport report, CancellationToken cancellationToken)
    {
        var now = await _table.GetTimeAsync(cancellationToken);
        var item = DynamoDbTable.Key(TasksOf(report.FleetName), report.TaskId);
        item["Address"] = DynamoDbAttribute.Text(report.Address);
        item["ServedRevision"] = DynamoDbAttribute.Number(report.ServedRevision);
        item["Failures"] = DynamoDbAttribute.Map(report.Failures.Select(failure => KeyValuePair.Create(failure.Key, Shorten(failure.Value))));
        item["IsDraining"] = DynamoDbAttribute.Flag(report.IsDraining);
        item["ReportedAt"] = DynamoDbAttribute.Number(now.ToUnixTimeMilliseconds());
        item["ExpiresAt"] = DynamoDbAttribute.Number((now + ReportRetention).ToUnixTimeSeconds());
        await _table.PutAsync(item, null, null, cancellationToken);
    }

    public async Task<IReadOnlyList<GatewayTaskReport>> ReadReportsAsync(string fleetName, CancellationToken cancellationToken)
    {
        var items = await _table.QueryAsync(TasksOf(fleetName), string.Empty, cancellationToken);
        var now = await _table.GetTimeAsync(cancellationToken);
        return [.. items.Select(item => Read(item, fleetName, now))];
    }

    public async Task<IReadOnlyDictionary<string, TimeSpan>> NoteOrphansAsync(string fleetName, IReadOnlyCollection<string> orphans, CancellationToken cancellationToken)
    {
        var noted = (await _table.QueryAsync(OrphansOf(fleetName), string.Empty, cancellationToken))
            .ToDictionary(item => DynamoDbAttribute.TextOf(item, DynamoDbTable.SortKey), item => DateTimeOffset.FromUnixTimeMilliseconds(DynamoDbAttribute.NumberOf(item, "NotedAt")), StringComparer.Ordinal);
        var now = await _table.GetTimeAsync(cancellationToken);
        foreach (var former in noted.Keys.Except(orphans, StringComparer.Ordinal))
            await _table.DeleteAsync(OrphansOf(fleetName), former, null, null, cancellationToken);
        foreach (var found in orphans.Except(noted.Keys, StringComparer.Ordinal))
        {
            var item = DynamoDbTable.Key(OrphansOf(fleetName), found);
            item["NotedAt"] = DynamoDbAttribute.Number(now.ToUnixTimeMilliseconds());
            await _table.PutAsync(item, null, null, cancellationToken);
        }

        return orphans.Distinct(StringComparer.Ordinal).ToDictionary(
            orphan => orphan, orphan => noted.TryGetValue(orphan, out var since) && now > since ? now - since : TimeSpan.Zero, StringComparer.Ordinal);
    }

    public Task RemoveReportAsync(string fleetName, string taskId, CancellationToken cancellationToken) =>
        _table.DeleteAsync(TasksOf(fleetName), taskId, null, null, cancellationToken);

    private static GatewayTaskReport Read(JsonObject item, string fleetName, DateTimeOffset now)
    {
        var age = now - DateTimeOffset.FromUnixTimeMilliseconds(DynamoDbAttribute.NumberOf(item, "ReportedAt"));
        return new GatewayTaskReport
        {
            TaskId = DynamoDbAttribute.TextOf(item, DynamoDbTable.SortKey),
            FleetName = fleetName,
            Address = DynamoDbAttribute.TextOf(item, "Address"),
            ServedRevision = DynamoDbAttribute.NumberOf(item, "ServedRevision"),
            Failures = DynamoDbAttribute.MapOf(item, "Failures"),
            IsDraining = DynamoDbAttribute.FlagOf(item, "IsDraining"),
            // The service tells its time in whole seconds, so a report can seem to come from the future.
            Age = age > TimeSpan.Zero ? age : TimeSpan.Zero,
        };
    }

    private static string PortsOf(string fleetName) => $"ports#{fleetName}";

    private static string OrphansOf(string fleetName) => $"orphans#{fleetName}";

    private static string TasksOf(string fleetName) => $"tasks#{fleetName}";

    private static string Text(int port) => port.ToString("D5", CultureInfo.InvariantCulture);

    private static JsonObject Claimant(string physicalResourceId) => new() { [":claimant"] = DynamoDbAttribute.Text(physicalResourceId) };

    private static string Shorten(string cause) => cause.Length <= MaxCauseLength ? cause : cause[..MaxCauseLength] + "…";
}
