using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Listeners;

namespace UdpGateway.Cli.Templates;

/// <summary>Checks the listeners of a template with the provider's own validation, before any event is sent.</summary>
internal static class DeclaredListeners
{
    /// <summary>Reports each problem at the line of its property. Returns how many listeners there are.</summary>
    public static int Check(Template template, ProblemList problems)
    {
        var functionArns = template.FunctionArns();
        var listeners = template.Resources.Where(resource => resource.IsListener).ToList();
        foreach (var listener in listeners)
        {
            var properties = template.EvaluateProperties(listener);
            if (TemplateEvaluator.FindUnresolved(properties) is not null)
                continue;
            var element = JsonSerializer.SerializeToElement(CloudFormationJson.ToResourceProperties(properties) as JsonObject);
            var context = new BindingContext { StackId = template.Settings.StackId, LogicalResourceId = listener.LogicalId, MayOmitRole = functionArns.Contains };
            var result = ListenerProperties.Bind(element, context);
            foreach (var problem in result.Problems)
            {
                var (node, isExact) = Find(properties, problem.Path);
                if (isExact && TemplateEvaluator.IsPlaceholder(node))
                    continue;
                problems.Report(node.Location, $"{Template.PropertiesPath(listener)}.{problem.Path}", $"{Sentence(problem)}");
            }

            foreach (var warning in result.Warnings)
                problems.Note($"{Find(properties, warning.Path).Node.Location}: {Template.PropertiesPath(listener)}.{warning.Path}: {Sentence(warning)}");
        }

        foreach (var other in template.Resources.Where(resource => resource.IsUdpGatewayResource && !resource.IsListener))
            problems.Note($"{other.Location}: Resources.{other.LogicalId}: the properties of {other.Type} are not checked; this version serves listeners only.");
        return listeners.Count;
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
