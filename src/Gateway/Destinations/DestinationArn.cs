namespace UdpGateway.Gateway.Destinations;

/// <summary>Which of a destination's ARNs serves packets that arrived in a region.</summary>
internal static class DestinationArn
{
    private const string AnyRegion = "*";

    /// <summary>
    /// The region's own, else the one for every region, else the one in the region with the lowest latency from here, else null. Regions
    /// that the table does not have come last; equals go by name.
    /// </summary>
    public static string? Choose(IReadOnlyDictionary<string, string> arnsByRegion, string ingressRegion)
    {
        if (arnsByRegion.TryGetValue(ingressRegion, out var own))
            return own;
        if (arnsByRegion.TryGetValue(AnyRegion, out var any))
            return any;
        return arnsByRegion
            .OrderBy(entry => RegionLatency.Between(ingressRegion, entry.Key) ?? int.MaxValue)
            .ThenBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => entry.Value)
            .FirstOrDefault();
    }
}
