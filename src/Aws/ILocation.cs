namespace UdpGateway.Aws;

/// <summary>The operations of Amazon Location Service's trackers that the gateway calls, named after the API's own.</summary>
public interface ILocation
{
    /// <summary>At most 10 updates. Not repeated on failure.</summary>
    /// <returns>The updates that were not taken.</returns>
    /// <exception cref="AwsServiceException">The call failed as a whole.</exception>
    Task<IReadOnlyList<BatchEntryFailure>> BatchUpdateDevicePositionAsync(string trackerName, IReadOnlyList<DevicePositionUpdate> updates, CancellationToken cancellationToken);
}

/// <param name="Longitude">Degrees, -180 to 180.</param>
/// <param name="Latitude">Degrees, -90 to 90.</param>
/// <param name="Properties">At most three, of up to 20 and 150 characters.</param>
public sealed record DevicePositionUpdate(string DeviceId, DateTimeOffset SampleTime, double Longitude, double Latitude, IReadOnlyList<KeyValuePair<string, string>> Properties);
