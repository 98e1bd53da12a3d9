using System.Runtime.CompilerServices;

namespace UdpGateway.Cli.Templates;

/// <summary>Orders resources by what they name in DependsOn, Ref, Fn::GetAtt and Fn::Sub.</summary>
internal sealed class DependencyOrder
{
    private readonly Dictionary<string, TemplateResource> _active;
    private readonly TemplateEvaluator _evaluator;
    private readonly ProblemList _problems;
    private readonly List<TemplateResource> _ordered = [];
    private readonly HashSet<string> _done = [];
    private readonly List<string> _inProgress = [];

    private DependencyOrder(IReadOnlyList<TemplateResource> active, TemplateEvaluator evaluator, ProblemList problems)
    {
        _active = active.ToDictionary(resource => resource.LogicalId);
        _evaluator = evaluator;
        _problems = problems;
    }

    /// <summary>Stable: resources that do not depend on each other stay in the template's order. A cycle is reported by its members.</summary>
    public static IReadOnlyList<TemplateResource> Sort(IReadOnlyList<TemplateResource> active, TemplateEvaluator evaluator, ProblemList problems)
    {
        var order = new DependencyOrder(active, evaluator, problems);
        foreach (var resource in active)
            order.Visit(resource);
        return order._ordered;
    }

    private void Visit(TemplateResource resource)
    {
        if (_done.Contains(resource.LogicalId))
            return;
        if (_inProgress.Contains(resource.LogicalId))
        {
            _evaluator.CircleIsReported = true;
            var cycle = _inProgress.SkipWhile(name => name != resource.LogicalId).Append(resource.LogicalId);
            _problems.Report(resource.Location, "Resources." + resource.LogicalId, $"The resources depend on each other in a circle: {string.Join(" -> ", cycle)}.");
            return;
        }

        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            _problems.Report(resource.Location, "Resources." + resource.LogicalId, "The resources depend on each other in too long a chain.");
            return;
        }

        _inProgress.Add(resource.LogicalId);
        foreach (var name in Dependencies(resource))
        {
            if (_active.TryGetValue(name, out var dependency))
                Visit(dependency);
        }

        _inProgress.RemoveAt(_inProgress.Count - 1);
        _done.Add(resource.LogicalId);
        _ordered.Add(resource);
    }

    private IEnumerable<string> Dependencies(TemplateResource resource)
    {
        var names = new List<string>();
        foreach (var name in resource.DependsOn)
        {
            if (!_evaluator.Resources.ContainsKey(name.Text) && !_evaluator.ResourcesAreIncomplete)
                _problems.Report(name.Location, $"Resources.{resource.LogicalId}.DependsOn", $"There is no resource '{name.Text}'.{Suggestion.For(name.Text, _evaluator.Resources.Keys)}");
            names.Add(name.Text);
        }

        foreach (var property in resource.Properties.Entries)
        {
            // SAM makes resources of their own of these, which depend on the function rather than the function on them.
            if (property.Key != "Events" || !resource.Type.StartsWith("AWS::Serverless::", StringComparison.Ordinal))
                Collect(property.Value, names);
        }

        return names.Distinct();
    }

    private void Collect(TemplateNode node, List<string> names)
    {
        switch (node)
        {
            case ListNode list:
                foreach (var item in list.Items)
                    Collect(item, names);
                break;
            case MapNode { Entries: [{ Key: "Ref", Value: ScalarNode name }] }:
                names.Add(FirstPart(name.Text));
                break;
            case MapNode { Entries: [{ Key: "Fn::GetAtt", Value: ScalarNode target }] }:
                names.Add(FirstPart(target.Text));
                break;
            case MapNode { Entries: [{ Key: "Fn::GetAtt", Value: ListNode { Items: [ScalarNode target, ..] } }] }:
                names.Add(target.Text);
                break;
            case MapNode { Entries: [{ Key: "Fn::Sub", Value: ScalarNode text }] }:
                names.AddRange(SubText.Parse(text.Text).Where(piece => piece.IsVariable).Select(piece => FirstPart(piece.Text)));
                break;
            case MapNode { Entries: [{ Key: "Fn::Sub", Value: ListNode { Items: [ScalarNode text, MapNode variables] } }] }:
                names.AddRange(SubText.Parse(text.Text).Where(piece => piece.IsVariable && !variables.TryGet(piece.Text, out _)).Select(piece => FirstPart(piece.Text)));
                Collect(variables, names);
                break;
            case MapNode { Entries: [{ Key: "Fn::If", Value: ListNode { Items: [ScalarNode condition, var whenTrue, var whenFalse] } }] }:
                // A condition that does not exist is reported where the value is evaluated.
                if (_evaluator.Conditions?.TryGet(condition.Text, out _) == true && _evaluator.Condition(condition.Text, condition.Location, "Conditions." + condition.Text) is { } value)
                    Collect(value ? whenTrue : whenFalse, names);
                break;
            case MapNode map:
                foreach (var entry in map.Entries)
                    Collect(entry.Value, names);
                break;
        }
    }

    private static string FirstPart(string name) => name.Split('.', 2)[0];
}
