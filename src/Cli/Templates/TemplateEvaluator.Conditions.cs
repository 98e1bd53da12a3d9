using System.Runtime.CompilerServices;

namespace UdpGateway.Cli.Templates;

/// <summary>The Conditions section.</summary>
internal sealed partial class TemplateEvaluator
{
    private readonly Dictionary<string, bool?> _conditionValues = [];
    private readonly List<string> _conditionsInProgress = [];

    public MapNode? Conditions { get; set; }

    /// <summary>Evaluates every condition, so that mistakes show even in those that nobody uses.</summary>
    public void CheckConditions()
    {
        foreach (var entry in Conditions?.Entries ?? [])
            Condition(entry.Key, entry.KeyLocation, "Conditions." + entry.Key);
    }

    /// <summary>Null when the condition does not exist or cannot be evaluated; the problem is reported.</summary>
    public bool? Condition(string name, SourceLocation location, string path)
    {
        if (_conditionValues.TryGetValue(name, out var known))
            return known;
        if (Conditions is null || !Conditions.TryGet(name, out var expression))
        {
            if (Conditions?.IsIncomplete == true)
                return true;
            problems.Report(location, path, $"There is no condition '{name}'.{Suggestion.For(name, Conditions?.Entries.Select(entry => entry.Key) ?? [])}");
            return null;
        }

        if (_conditionsInProgress.Contains(name))
        {
            problems.Report(location, path, $"The conditions depend on each other in a circle: {string.Join(" -> ", _conditionsInProgress.SkipWhile(other => other != name))} -> {name}.");
            return null;
        }

        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            problems.Report(location, path, "The conditions depend on each other in too long a chain.");
            return null;
        }

        _conditionsInProgress.Add(name);
        var value = ConditionExpression(expression, "Conditions." + name);
        _conditionsInProgress.RemoveAt(_conditionsInProgress.Count - 1);
        _conditionValues[name] = value;
        return value;
    }

    private bool? ConditionExpression(TemplateNode expression, string path)
    {
        if (expression is not MapNode { Entries: [var call] })
        {
            problems.Report(expression.Location, path, "A condition is one of Fn::Equals, Fn::Not, Fn::And, Fn::Or and Condition.");
            return null;
        }

        switch (call.Key)
        {
            case "Condition" when call.Value is ScalarNode name:
                return Condition(name.Text, call.Value.Location, path);
            case "Fn::Equals" when call.Value is ListNode { Items: [var left, var right] }:
                var first = Evaluate(left, path);
                var second = Evaluate(right, path);
                if (first is UnresolvedNode || second is UnresolvedNode)
                    return null;
                if (first is not null && second is not null)
                    return AreEqual(first, second);
                problems.Report(call.KeyLocation, path, "Fn::Equals cannot compare AWS::NoValue.");
                return null;
            case "Fn::Not" when call.Value is ListNode { Items: [var negated] }:
                return !ConditionExpression(negated, path);
            case "Fn::And" when call.Value is ListNode { Items.Count: >= 2 and <= 10 } all:
                var each = all.Items.Select(item => ConditionExpression(item, path)).ToList();
                return each.Contains(null) ? null : each.TrueForAll(value => value == true);
            case "Fn::Or" when call.Value is ListNode { Items.Count: >= 2 and <= 10 } any:
                var some = any.Items.Select(item => ConditionExpression(item, path)).ToList();
                return some.Contains(null) ? null : some.Contains(true);
            case "Fn::Equals":
                problems.Report(call.KeyLocation, path, "Fn::Equals takes two values.");
                return null;
            case "Fn::Not":
                problems.Report(call.KeyLocation, path, "Fn::Not takes a list of one condition.");
                return null;
            case "Fn::And" or "Fn::Or":
                problems.Report(call.KeyLocation, path, $"{call.Key} takes two to ten conditions.");
                return null;
            default:
                problems.Report(call.KeyLocation, path, $"'{call.Key}' gives no condition; that is one of Fn::Equals, Fn::Not, Fn::And, Fn::Or and Condition.");
                return null;
        }
    }

    private static bool AreEqual(TemplateNode left, TemplateNode right) => (left, right) switch
    {
        (ScalarNode first, ScalarNode second) => first.Text == second.Text,
        (ListNode first, ListNode second) => first.Items.Count == second.Items.Count && first.Items.Zip(second.Items).All(pair => AreEqual(pair.First, pair.Second)),
        (MapNode first, MapNode second) => first.Entries.Count == second.Entries.Count && first.Entries.All(entry => second.TryGet(entry.Key, out var other) && AreEqual(entry.Value, other)),
        _ => false,
    };
}
