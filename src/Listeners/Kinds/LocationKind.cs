using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

/// <summary>Where a packet has the position of its device.</summary>
public sealed record LocationArguments
{
    /// <summary>A validated expression; bytes become upper-case hex. Null only while no ARN says that the destination is a tracker.</summary>
    public string? DeviceId { get; init; }

    /// <summary>A validated expression.</summary>
    public string? Latitude { get; init; }

    /// <summary>A validated expression.</summary>
    public string? Longitude { get; init; }

    /// <summary>Multiplies both coordinates, to degrees.</summary>
    public double ScaleFactor { get; init; } = 1;

    /// <summary>Validated expressions by the property's name.</summary>
    public IReadOnlyDictionary<string, string> PositionProperties { get; init; } = new Dictionary<string, string>();
}

internal static partial class LocationKind
{
    private const string DeviceId = "DeviceIdExpression";
    private const string Latitude = "LatitudeExpression";
    private const string Longitude = "LongitudeExpression";
    private const int MaxProperties = 3;
    private const int MaxPropertyName = 20;

    /// <remarks>Source: Location Service API Reference, "CreateTracker" and "DevicePositionUpdate".</remarks>
    public static DestinationKind Kind { get; } = new("geo", "Location tracker", "arn:aws:geo:REGION:ACCOUNT:tracker/NAME")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && TrackerPattern().IsMatch(arn.Resource),
        FindMissing = static arguments => arguments.Location switch
        {
            null or { DeviceId: null } => DeviceId,
            { Latitude: null } => Latitude,
            { Longitude: null } => Longitude,
            _ => null,
        },
        BindArguments = static (arguments, destination, bound) => bound with
        {
            Location = new LocationArguments
            {
                DeviceId = Required(arguments, destination, DeviceId),
                Latitude = Required(arguments, destination, Latitude),
                Longitude = Required(arguments, destination, Longitude),
                ScaleFactor = arguments.Number("ScaleFactor") ?? 1,
                PositionProperties = Properties(arguments),
            },
        },
    };

    // Without an ARN, the destination need not be a tracker.
    private static string? Required(PropertyBinder arguments, PropertyBinder destination, string name)
    {
        if (!arguments.Has(name) && destination.Map("DestinationArn", scalarKey: "*").Count > 0)
            arguments.Report(name, null, "is required by a tracker", "location_expression");
        return KeyExpressionBinder.Expression(arguments, name);
    }

    private static Dictionary<string, string> Properties(PropertyBinder arguments)
    {
        const string Name = "PositionPropertyExpressions";
        var properties = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (_, name, text) in arguments.Map(Name, scalarKey: ""))
        {
            if (name.Length is 0 or > MaxPropertyName)
                arguments.Report(Name, PropertyBinder.Quote(name), $"must be an object whose names have 1 to {MaxPropertyName} characters", "location_property");
            else if (Expressions.Expression.TryParse(text, out _, out var error))
                properties[name] = text;
            else
                arguments.Report(Name, PropertyBinder.Quote(text), $"is no valid expression: {error}", "expression");
        }

        if (properties.Count > MaxProperties)
            arguments.Report(Name, null, $"must have at most {MaxProperties} properties", "location_properties");
        return properties;
    }

    [GeneratedRegex(@"\Atracker/[a-zA-Z0-9_.-]{1,100}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TrackerPattern();
}
