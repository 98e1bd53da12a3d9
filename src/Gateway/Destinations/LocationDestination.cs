using UdpGateway.Aws;
using UdpGateway.Gateway.Batching;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Expressions;

namespace UdpGateway.Gateway.Destinations;

/// <summary>One position per packet, from where the expressions find it.</summary>
internal sealed class LocationDestination : IDestination
{
    // https://docs.aws.amazon.com/location/latest/APIReference/API_BatchUpdateDevicePosition.html
    private const int MaxEntries = 10;
    private const int MaxDeviceId = 100;
    private const int MaxPropertyValue = 150;

    private readonly Expression _deviceId;
    private readonly Expression _latitude;
    private readonly Expression _longitude;
    private readonly double _scale;
    private readonly List<KeyValuePair<string, Expression>> _properties;
    private readonly EntrySender<DevicePositionUpdate> _sender;

    public LocationDestination(DestinationContext context)
    {
        var arguments = context.Definition.Arguments.Location ?? new LocationArguments();
        _deviceId = Parse(arguments.DeviceId, "DeviceIdExpression");
        _latitude = Parse(arguments.Latitude, "LatitudeExpression");
        _longitude = Parse(arguments.Longitude, "LongitudeExpression");
        _scale = arguments.ScaleFactor;
        _properties = [.. arguments.PositionProperties.Select(property => KeyValuePair.Create(property.Key, Parse(property.Value, property.Key)))];
        var location = new LocationClient(context.Connection);
        var tracker = context.Arn.Resource["tracker/".Length..];
        _sender = new EntrySender<DevicePositionUpdate>(
            new EntryLimits(MaxEntries, long.MaxValue, long.MaxValue), context.Retries, (updates, token) => location.BatchUpdateDevicePositionAsync(tracker, updates, token));
    }

    public DestinationLimits Limits => DestinationLimits.OneWay;

    public Task<DeliveryOutcome> DeliverAsync(PacketBatch batch, CancellationToken cancellationToken)
    {
        var tally = new DeliveryTally();
        var entries = new List<Entry<DevicePositionUpdate>>(batch.Count);
        for (var index = 0; index < batch.Count; index++)
        {
            if (Read(batch.Payload(index), batch[index].Origin.ReceivedAtUnixMilliseconds, out var problem) is { } update)
                entries.Add(new Entry<DevicePositionUpdate>(index, 0, update));
            else
                tally.Fail(index, problem);
        }

        return _sender.SendAsync(batch, entries, tally, cancellationToken);
    }

    private static Expression Parse(string? text, string name) => Expression.TryParse(text ?? "", out var expression, out var error)
        ? expression
        : throw new ListenerNotServedException($"{name} of a tracker is no valid expression: {error}");

    private DevicePositionUpdate? Read(ReadOnlySpan<byte> payload, long receivedAtUnixMilliseconds, out string problem)
    {
        var deviceId = _deviceId.Format(payload);
        problem = "a packet has no device id of 1 to 100 letters, digits and - . _";
        if (deviceId is not { Length: > 0 and <= MaxDeviceId } || !deviceId.All(letter => char.IsLetterOrDigit(letter) || letter is '-' or '.' or '_'))
            return null;

        problem = "a packet has no position, or one that is not on Earth";
        if (!_latitude.TryGetNumber(payload, out var latitude) || !_longitude.TryGetNumber(payload, out var longitude))
            return null;
        latitude *= _scale;
        longitude *= _scale;
        // Written so that what is no number fails as well.
        if (!(Math.Abs(latitude) <= 90 && Math.Abs(longitude) <= 180))
            return null;

        var properties = new List<KeyValuePair<string, string>>(_properties.Count);
        foreach (var (name, expression) in _properties)
        {
            if (expression.Format(payload) is { Length: > 0 } value)
                properties.Add(KeyValuePair.Create(name, value[..Math.Min(value.Length, MaxPropertyValue)]));
        }

        return new DevicePositionUpdate(deviceId, DateTimeOffset.FromUnixTimeMilliseconds(receivedAtUnixMilliseconds), longitude, latitude, properties);
    }
}
