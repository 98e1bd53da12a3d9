using System.Text.RegularExpressions;

namespace UdpGateway.Cli.Templates;

/// <summary>
/// A template for one of several regions registers ARNs for destinations, and packet sources for a listener, that another stack
/// declares. Here no other stack exists, so that a plain UDP listener with those names stands in for it.
/// </summary>
internal static partial class ListenerElsewhere
{
    public const string LogicalId = "ListenerElsewhere";

    /// <summary>The template itself when it declares a listener, which then should have the names that it refers to.</summary>
    public static Template AddTo(Template template, ProblemList problems)
    {
        if (template.Evaluator.Resources.ContainsKey(LogicalId) || template.Resources.Any(resource => resource.IsListener))
            return template;
        var destinations = Names(template, resource => resource.IsDestinationArn, "Destination");
        var listeners = Names(template, resource => resource.IsPacketSource, "ListenerName");
        if (destinations.Count == 0 && listeners.Count == 0)
            return template;
        // Which of several listeners has which destination is not written here.
        if (listeners.Count > 1)
            return template;

        var location = (destinations.Concat(listeners).First()).Location;
        var properties = new List<MapEntry>
        {
            Entry("ServiceToken", Text(template.Settings.ServiceToken)),
            Entry("Protocols", new ListNode(location, [Text("udp")])),
            Entry("Destinations", new ListNode(location, [.. destinations.Select(name => name.Text).DefaultIfEmpty("elsewhere").Select(name => Map(
                Entry("Name", Text(name)),
                Entry("Role", Text($"arn:aws:iam::{template.Settings.AccountId}:role/elsewhere"))))])),
        };
        if (listeners is [var listener])
            properties.Add(Entry("Name", Text(listener.Text)));
        problems.Note(location, null, $"No listener here has {string.Join(", ", destinations.Concat(listeners).Select(name => name.Text))}, which another stack declares; the plain UDP listener {LogicalId} stands in for it.");
        return template.With(new TemplateResource(LogicalId, TemplateResource.ListenerType, location, Map([.. properties])));

        ScalarNode Text(string text) => new(location, text);
        MapEntry Entry(string key, TemplateNode value) => new(key, location, value);
        MapNode Map(params MapEntry[] entries) => new(location, entries);
    }

    /// <summary>Those that a listener could have; what is wrong with the others is reported where they are checked.</summary>
    private static List<ScalarNode> Names(Template template, Func<TemplateResource, bool> isMeant, string property) =>
    [
        .. template.Resources
            .Where(isMeant)
            .Select(resource => template.EvaluateProperties(resource).Find(property))
            .OfType<ScalarNode>()
            .Where(name => !name.IsPlaceholder && NamePattern().IsMatch(name.Text))
            .DistinctBy(name => name.Text),
    ];

    [GeneratedRegex(@"\A[A-Za-z0-9-]{1,128}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamePattern();
}
