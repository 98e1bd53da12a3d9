using System.Globalization;
using System.Text.Json;

namespace UdpGateway.Aws;

/// <summary>Trackers of Amazon Location Service over HTTPS.</summary>
/// <remarks>Source: Amazon Location Service API Reference, "BatchUpdateDevicePosition", version 2020-11-19.</remarks>
public sealed class LocationClient(AwsConnection connection) : ILocation
{
    private static readonly AwsService Location = new("Location", SigningName: "geo", EndpointPrefix: "tracking.geo");
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    private readonly IAwsTransport _transport = connection.Open(Location, AwsRetries.None, Timeout);

    public async Task<IReadOnlyList<BatchEntryFailure>> BatchUpdateDevicePositionAsync(string trackerName, IReadOnlyList<DevicePositionUpdate> updates, CancellationToken cancellationToken)
    {
        using var body = new PooledBuffer(updates.Count * 256);
        Write(body, updates);
        var request = new BatchUpdateDevicePosition
        {
            Method = HttpMethod.Post,
            Path = "/tracking/v0/trackers/{TrackerName}/positions",
            PathParameters = [new("{TrackerName}", trackerName)],
            Headers = [new("Content-Type", "application/json")],
            Body = body.WrittenMemory,
            Recorded = body.WrittenMemory,
        };

        var response = await _transport.SendAsync(request, cancellationToken);

        using var json = AwsJson.Parse(response, "Location BatchUpdateDevicePosition");
        return [.. AwsJson.Items(json.RootElement, "Errors").SelectMany(error => ReadFailures(error, updates))];
    }

    private static void Write(PooledBuffer body, IReadOnlyList<DevicePositionUpdate> updates)
    {
        using var writer = AwsJson.Writer(body);
        writer.WriteStartObject();
        writer.WriteStartArray("Updates");
        foreach (var update in updates)
        {
            writer.WriteStartObject();
            writer.WriteString("DeviceId", update.DeviceId);
            writer.WriteString("SampleTime", Format(update.SampleTime));
            writer.WriteStartArray("Position");
            writer.WriteNumberValue(update.Longitude);
            writer.WriteNumberValue(update.Latitude);
            writer.WriteEndArray();
            if (update.Properties.Count > 0)
            {
                writer.WriteStartObject("PositionProperties");
                foreach (var (name, value) in update.Properties)
                    writer.WriteString(name, value);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>An error names its update by device and time.</summary>
    private static IEnumerable<BatchEntryFailure> ReadFailures(JsonElement error, IReadOnlyList<DevicePositionUpdate> updates)
    {
        var device = AwsJson.Text(error, "DeviceId");
        var time = DateTimeOffset.TryParse(AwsJson.Text(error, "SampleTime"), CultureInfo.InvariantCulture, out var parsed) ? parsed : default;
        var code = error.TryGetProperty("Error", out var reason) ? AwsJson.Text(reason, "Code") : null;
        return updates.Index()
            .Where(update => update.Item.DeviceId == device && update.Item.SampleTime == time)
            .Select(update => BatchEntryFailure.FromCode(update.Index, code ?? "no code"));
    }

    private static string Format(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private sealed class BatchUpdateDevicePosition : AwsRequest;
}
