namespace UdpGateway.Gateway.Destinations;

/// <summary>Which of a destination's ARNs serves packets that arrived in a region.</summary>
internal static class DestinationArn
{
    private const string AnyRegion = "*";

    /// <summary>The region's own, else the one for every region, else any (the first by region name), else null.</summary>
    public static string? Choose(IReadOnlyDictionary<string, string> arnsByRegion, string ingressRegion)
    {
        if (arnsByRegion.TryGetValue(ingressRegion, out var own))
            return own;
        if (arnsByRegion.TryGetValue(AnyRegion, out var any))
            return any;
        return arnsByRegion.Count == 0 ? null : arnsByRegion.MinBy(entry => entry.Key, StringComparer.Ordinal).Value;
    }
}
