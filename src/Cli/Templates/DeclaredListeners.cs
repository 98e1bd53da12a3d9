using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Listeners;

namespace UdpGateway.Cli.Templates;

/// <summary>Checks the listeners of a template, and what belongs to them, with the provider's own validation, before any event is sent.</summary>
internal static class DeclaredListeners
{
    /// <summary>Reports each problem at the line of its property. Returns how many listeners there are.</summary>
    public static int Check(Template template, ProblemList problems)
    {
        // The provider never sees it missing: without it nobody would be called.
        foreach (var resource in template.Resources.Where(resource => resource.IsUdpGatewayResource && !resource.Properties.TryGet("ServiceToken", out _) && !resource.Properties.IsIncomplete))
            problems.Report(resource.Location, Template.PropertiesPath(resource) + ".ServiceToken", "is required; CloudFormation sends the resource's events there.");

        var functionArns = template.FunctionArns();
        var listeners = template.Resources.Where(resource => resource.IsListener).ToList();
        foreach (var listener in listeners)
        {
            if (Read(template, listener) is not var (properties, element))
                continue;
            var context = new BindingContext { StackId = template.Settings.StackId, LogicalResourceId = listener.LogicalId, MayOmitRole = functionArns.Contains };
            var result = ListenerProperties.Bind(element, context);
            Report(template, listener, properties, result.Problems, result.Warnings, problems);
        }

        foreach (var other in template.Resources.Where(resource => resource.IsUdpGatewayResource && !resource.IsListener))
            CheckOther(template, other, problems);
        return listeners.Count;
    }

    private static void CheckOther(Template template, TemplateResource resource, ProblemList problems)
    {
        if (!resource.IsDestinationArn && !resource.IsPacketSource && !resource.IsFleet)
        {
            problems.Note(resource.Location, "Resources." + resource.LogicalId, $"the properties of {resource.Type} are not checked; this version does not serve it.{Suggestion.For(resource.Type, TemplateResource.ServedTypes)}");
        }
        else if (Read(template, resource) is var (properties, element))
        {
            if (resource.IsDestinationArn && DestinationArnProperties.Bind(element, template.Settings.Region) is var registration)
                Report(template, resource, properties, registration.Problems, registration.Warnings, problems);
            else if (resource.IsFleet && FleetProperties.Bind(element) is var fleet)
                Report(template, resource, properties, fleet.Problems, fleet.Warnings, problems);
            else if (PacketSourceProperties.Bind(element) is var source)
                Report(template, resource, properties, source.Problems, source.Warnings, problems);
        }
    }

    /// <summary>The properties, evaluated and as CloudFormation sends them; null when they are not all known.</summary>
    private static (MapNode Properties, JsonElement Element)? Read(Template template, TemplateResource resource)
    {
        var properties = template.EvaluateProperties(resource);
        return TemplateEvaluator.FindUnresolved(properties) is null
            ? (properties, JsonSerializer.SerializeToElement(CloudFormationJson.ToResourceProperties(properties) as JsonObject))
            : null;
    }

    private static void Report(Template template, TemplateResource resource, MapNode properties, IReadOnlyList<PropertyProblem> found, IReadOnlyList<PropertyProblem> warnings, ProblemList problems)
    {
        foreach (var problem in found)
        {
            var (node, isExact) = Find(properties, problem.Path);
            if (isExact && TemplateEvaluator.IsPlaceholder(node))
                continue;
            if (isExact && template.Settings.UsePlaceholders && node is ScalarNode { IsEmptyDefault: true })
            {
                problems.Note(node.Location, $"{Template.PropertiesPath(resource)}.{problem.Path}", $"its parameter has an empty default; `up` needs a value: {problem.Sentence}.");
                continue;
            }

            problems.Report(node.Location, $"{Template.PropertiesPath(resource)}.{problem.Path}", Sentence(problem));
        }

        foreach (var warning in warnings)
            problems.Note(Find(properties, warning.Path).Node.Location, $"{Template.PropertiesPath(resource)}.{warning.Path}", Sentence(warning));
    }

    private static string Sentence(PropertyProblem problem) =>
        problem.Given is null ? $"{problem.Sentence}." : $"{problem.Sentence}; {problem.Given} was given.";

    /// <summary>The node at a path such as <c>Destinations[1].Role</c>, or the nearest one around it.</summary>
    private static (TemplateNode Node, bool IsExact) Find(TemplateNode node, string path)
    {
        foreach (var step in path.Split(['.', '[', ']'], StringSplitOptions.RemoveEmptyEntries))
        {
            var next = node switch
            {
                MapNode map => map.Find(step),
                ListNode list when int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < list.Items.Count => list.Items[index],
                _ => null,
            };
            if (next is null)
                return (node, false);
            node = next;
        }

        return (node, true);
    }
}
