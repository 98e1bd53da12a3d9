using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace UdpGateway.Cli.Templates;

/// <summary>What became of a custom resource: what <c>Ref</c> and <c>Fn::GetAtt</c> give from now on.</summary>
internal sealed record ServedResource(string PhysicalResourceId, IReadOnlyDictionary<string, TemplateNode> Attributes);

/// <summary>
/// Evaluates intrinsic functions. A value that cannot be had is reported and becomes an <see cref="UnresolvedNode"/>, so
/// that one pass finds all problems; a value that is to vanish (<c>AWS::NoValue</c>) becomes null.
/// </summary>
internal sealed partial class TemplateEvaluator(TemplateSettings settings, TemplateParameters parameters, ProblemList problems)
{
    public static readonly IReadOnlySet<string> FunctionNames = new HashSet<string>
    {
        "Ref", "Condition", "Fn::And", "Fn::Base64", "Fn::Cidr", "Fn::Equals", "Fn::FindInMap", "Fn::GetAtt", "Fn::GetAZs", "Fn::If",
        "Fn::ImportValue", "Fn::Join", "Fn::Length", "Fn::Not", "Fn::Or", "Fn::Select", "Fn::Split", "Fn::Sub", "Fn::ToJsonString", "Fn::Transform",
        "Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll",
    };

    /// <summary>No text in a template that CloudFormation takes is longer, so none that functions make from it has to be.</summary>
    private const int MaxTextLength = 1_048_576;

    /// <summary>Bounds what a small template can ask for by repeating large values.</summary>
    private const int MaxValues = 10_000_000;

    private readonly ResourceValues _resourceValues = new(settings);
    private readonly Dictionary<string, ServedResource> _served = [];
    private readonly Dictionary<(string LogicalId, string Property), TemplateNode?> _properties = [];
    private readonly HashSet<(string LogicalId, string Property)> _propertiesInProgress = [];
    private IReadOnlyDictionary<string, TemplateResource> _resources = new Dictionary<string, TemplateResource>();
    private int _values;

    public MapNode? Mappings { get; set; }

    /// <summary>Resources by logical id, also those whose condition is false.</summary>
    public IReadOnlyDictionary<string, TemplateResource> Resources
    {
        get => _resources;
        set
        {
            _resources = value;
            _properties.Clear();
        }
    }

    public bool ResourcesAreIncomplete { get; set; }

    /// <summary>Whether it is already told that resources depend on each other in a circle.</summary>
    public bool CircleIsReported { get; set; }

    /// <summary>Whether the template declares <c>AWS::LanguageExtensions</c>.</summary>
    public bool UsesLanguageExtensions { get; set; }

    public void SetServed(string logicalId, ServedResource served)
    {
        _served[logicalId] = served;
        _properties.Clear();
    }

    /// <summary>Null when the value vanishes.</summary>
    /// <param name="path">Property path of <paramref name="node"/>, for messages.</param>
    public TemplateNode? Evaluate(TemplateNode node, string path)
    {
        if (problems.IsFull)
            return new UnresolvedNode(node.Location);
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
            return problems.Unresolved(node.Location, path, "The values depend on each other in too long a chain.");
        if (++_values > MaxValues)
            return TooLarge(node.Location);
        switch (node)
        {
            case ListNode list:
                var items = new List<TemplateNode>(list.Items.Count);
                for (var index = 0; index < list.Items.Count; index++)
                {
                    if (Evaluate(list.Items[index], $"{path}[{index}]") is { } item)
                        items.Add(item);
                }

                return new ListNode(list.Location, items);
            case MapNode { Entries: [var call] } map when IsFunction(call.Key):
                return Call(call.Key, call.Value, map.Location, path);
            case MapNode map:
                var entries = new List<MapEntry>(map.Entries.Count);
                foreach (var entry in map.Entries)
                {
                    if (entry.Key.StartsWith("Fn::", StringComparison.Ordinal) && FunctionNames.Contains(entry.Key))
                        problems.Report(entry.KeyLocation, path, $"{entry.Key} must be the only key of its map.");
                    else if (Evaluate(entry.Value, $"{path}.{entry.Key}") is { } value)
                        entries.Add(new MapEntry(entry.Key, entry.KeyLocation, value));
                }

                return new MapNode(map.Location, entries) { IsIncomplete = map.IsIncomplete };
            default:
                return node;
        }
    }

    /// <summary>
    /// "Condition" is only a function within conditions: elsewhere it is an ordinary key, such as the one of a policy statement.
    /// </summary>
    internal static bool IsFunction(string key) => key == "Ref" || key.StartsWith("Fn::", StringComparison.Ordinal);

    private TemplateNode? Call(string function, TemplateNode argument, SourceLocation location, string path) => function switch
    {
        "Ref" => Ref(argument, location, path),
        "Fn::GetAtt" => GetAtt(argument, location, path),
        "Fn::Sub" => Sub(argument, location, path),
        "Fn::Join" => Join(argument, location, path),
        "Fn::Select" => Select(argument, location, path),
        "Fn::Split" => Split(argument, location, path),
        "Fn::FindInMap" => FindInMap(argument, location, path),
        "Fn::If" => If(argument, location, path),
        "Fn::Base64" => Base64(argument, location, path),
        "Fn::Cidr" => Cidr(argument, location, path),
        "Fn::GetAZs" => GetAvailabilityZones(argument, location, path),
        "Fn::ImportValue" => ImportValue(argument, location, path),
        "Fn::ToJsonString" => ToJsonString(argument, location, path),
        "Fn::Length" => Length(argument, location, path),
        "Fn::And" or "Fn::Or" or "Fn::Not" or "Fn::Equals" => problems.Unresolved(location, path, $"{function} belongs into the Conditions section; here, name the condition with Fn::If."),
        "Fn::Transform" => problems.Unresolved(location, path, "Fn::Transform stands where it cannot be expanded."),
        _ when FunctionNames.Contains(function) => problems.Unresolved(location, path, $"{function} belongs into the Rules section."),
        _ => problems.Unresolved(location, path, $"CloudFormation has no function '{function}'.{Suggestion.For(function, FunctionNames)}"),
    };

    private TemplateNode? Ref(TemplateNode argument, SourceLocation location, string path)
    {
        if (!TryName(argument, path, out var name, out var failure))
            return failure ?? problems.Unresolved(location, path, "Ref takes the name of a parameter or resource.");
        if (name == "AWS::NoValue")
            return null;
        // SAM's references to what it generates for a function: Ref of Function.Version and Function.Alias.
        return name.Split('.', 2) is [var owner, var generated] && Resources.ContainsKey(owner)
            ? Attribute(owner, generated, location, path)
            : Reference(name, location, path);
    }

    /// <summary>What <c>Ref</c> and <c>${Name}</c> give.</summary>
    private TemplateNode Reference(string name, SourceLocation location, string path)
    {
        if (PseudoParameter(name) is { } pseudo)
            return new ScalarNode(location, pseudo);
        if (name == "AWS::NotificationARNs")
            return new ListNode(location, []);
        if (parameters.Find(name) is { } parameter)
            return Moved(parameter, location);
        if (!TryFindResource(name, location, path, out var resource, out var problem))
            return problem;
        return _served.TryGetValue(name, out var served)
            ? new ScalarNode(location, served.PhysicalResourceId)
            : _resourceValues.Ref(resource, Property(resource), location);
    }

    private TemplateNode GetAtt(TemplateNode argument, SourceLocation location, string path)
    {
        if (argument is ScalarNode { Text: var dotted } && dotted.Split('.', 2) is [var left, { Length: > 0 } right])
            return Attribute(left, right, location, path);
        if (argument is ListNode { Items: { Count: > 1 } parts })
        {
            if (!TryName(parts[0], path, out var name, out var failure))
                return failure ?? problems.Unresolved(location, path, "Fn::GetAtt takes the name of a resource.");
            var names = parts.Skip(1).Select(part => Evaluate(part, path)).ToList();
            if (names.OfType<UnresolvedNode>().FirstOrDefault() is { } unresolved)
                return unresolved;
            if (names.TrueForAll(part => part is ScalarNode))
                return Attribute(name, string.Join('.', names.Select(part => ((ScalarNode)part!).Text)), location, path);
        }

        return problems.Unresolved(location, path, "Fn::GetAtt takes a resource and an attribute: [Resource, Attribute] or Resource.Attribute.");
    }

    private TemplateNode Attribute(string name, string attribute, SourceLocation location, string path)
    {
        if (!TryFindResource(name, location, path, out var resource, out var problem))
            return problem;
        if (_served.TryGetValue(name, out var served))
        {
            return served.Attributes.TryGetValue(attribute, out var value)
                ? Moved(value, location)
                : problems.Unresolved(location, path, $"'{name}' gives no attribute '{attribute}'; it gives {string.Join(", ", served.Attributes.Keys)}.{Suggestion.For(attribute, served.Attributes.Keys)}");
        }

        return _resourceValues.Attribute(resource, attribute, Property(resource), location)
            ?? problems.Unresolved(location, path, $"A resource of type {resource.Type} has no attribute '{attribute}'.{Suggestion.For(attribute, ResourceValues.KnownAttributes(resource.Type))}");
    }

    private TemplateNode Sub(TemplateNode argument, SourceLocation location, string path)
    {
        MapNode? variables = null;
        if (argument is ListNode { Items: [ScalarNode form, MapNode map] })
            (argument, variables) = (form, map);
        if (argument is not ScalarNode text)
            return problems.Unresolved(location, path, "Fn::Sub takes a text, or a list of a text and a map of variables.");

        var result = new StringBuilder();
        var isPlaceholder = false;
        foreach (var piece in SubText.Parse(text.Text))
        {
            if (!piece.IsVariable)
            {
                result.Append(piece.Text);
                continue;
            }

            var value = Variable(piece.Text, variables, location, path);
            if (value is UnresolvedNode)
                return value;
            if (value is not ScalarNode scalar)
            {
                return problems.Unresolved(location, path, value is null
                    ? $"${{{piece.Text}}} is AWS::NoValue; Fn::Sub takes only text."
                    : $"${{{piece.Text}}} is a {(value is ListNode ? "list" : "map")}; Fn::Sub takes only text (use Fn::Join or Fn::Select).");
            }

            if (result.Length + scalar.Text.Length > MaxTextLength)
                return TooLong("Fn::Sub", location, path);
            result.Append(scalar.Text);
            isPlaceholder |= scalar.IsPlaceholder;
        }

        return new ScalarNode(location, result.ToString()) { IsPlaceholder = isPlaceholder };
    }

    private TemplateNode? Variable(string name, MapNode? variables, SourceLocation location, string path)
    {
        if (variables is not null && variables.TryGet(name, out var given))
            return Evaluate(given, path);
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        if (dot > 0 && !IsKnown(name))
            return Attribute(name[..dot], name[(dot + 1)..], location, path);
        return Reference(name, location, path);
    }

    private TemplateNode? FindInMap(TemplateNode argument, SourceLocation location, string path)
    {
        if (argument is not ListNode { Items: { Count: 3 or 4 } arguments })
            return problems.Unresolved(location, path, "Fn::FindInMap takes a mapping, a top-level key and a second-level key.");
        if (!TryText(arguments[0], path, out var mapName, out var failure)
            || !TryText(arguments[1], path, out var top, out failure)
            || !TryText(arguments[2], path, out var second, out failure))
        {
            return failure ?? problems.Unresolved(location, path, "The names that Fn::FindInMap takes must be text.");
        }

        if (arguments.Count == 4)
            RequireLanguageExtensions("The default of Fn::FindInMap", location, path);
        var map = Mappings?.Find(mapName.Text) as MapNode;
        var section = map?.Find(top.Text) as MapNode;
        if (section?.Find(second.Text) is { } value)
            return Moved(value, location);
        if (arguments.Count == 4)
        {
            return arguments[3] is MapNode option && option.TryGet("DefaultValue", out var defaultValue)
                ? Evaluate(defaultValue, path)
                : problems.Unresolved(location, path, "The fourth argument of Fn::FindInMap is a map with a DefaultValue.");
        }

        if (Mappings?.IsIncomplete == true || map?.IsIncomplete == true || section?.IsIncomplete == true || top.IsPlaceholder || second.IsPlaceholder || mapName.IsPlaceholder)
            return new ScalarNode(location, $"placeholder-{second.Text}") { IsPlaceholder = true };
        if (map is null)
            return problems.Unresolved(location, path, $"There is no mapping '{mapName.Text}'.{Suggestion.For(mapName.Text, Mappings?.Entries.Select(entry => entry.Key) ?? [])}");
        return section is null
            ? problems.Unresolved(location, path, $"The mapping '{mapName.Text}' has no key '{top.Text}'.{Suggestion.For(top.Text, map.Entries.Select(entry => entry.Key))}")
            : problems.Unresolved(location, path, $"The mapping '{mapName.Text}' has no key '{second.Text}' under '{top.Text}'.{Suggestion.For(second.Text, section.Entries.Select(entry => entry.Key))}");
    }

    private TemplateNode? If(TemplateNode argument, SourceLocation location, string path)
    {
        if (argument is not ListNode { Items: [ScalarNode condition, var whenTrue, var whenFalse] })
            return problems.Unresolved(location, path, "Fn::If takes the name of a condition, a value for true and a value for false.");
        return Condition(condition.Text, location, path) switch
        {
            true => Evaluate(whenTrue, path),
            false => Evaluate(whenFalse, path),
            null => new UnresolvedNode(location),
        };
    }

    private TemplateNode ImportValue(TemplateNode argument, SourceLocation location, string path)
    {
        if (!TryText(argument, path, out var name, out var failure))
            return failure ?? problems.Unresolved(location, path, "Fn::ImportValue takes the name of an export.");
        if (settings.Exported(name.Text) is { } exported)
            return new ScalarNode(location, exported);
        if (!settings.UsePlaceholders)
            return problems.Unresolved(location, path, $"The export '{name.Text}' belongs to another stack, which does not exist here: give it as --export {name.Text}=VALUE.");
        problems.Note(location, null, $"The export '{name.Text}' belongs to another stack; a placeholder stands for it.");
        return new ScalarNode(location, $"placeholder-{name.Text}") { IsPlaceholder = true };
    }

    private bool IsKnown(string name) => PseudoParameter(name) is not null || parameters.Find(name) is not null || Resources.ContainsKey(name);

    private string? PseudoParameter(string name) => name switch
    {
        "AWS::Region" => settings.Region,
        "AWS::AccountId" => settings.AccountId,
        "AWS::StackName" => settings.StackName,
        "AWS::StackId" => settings.StackId,
        "AWS::Partition" => "aws",
        "AWS::URLSuffix" => "amazonaws.com",
        _ => null,
    };

    private bool TryFindResource(string name, SourceLocation location, string path, out TemplateResource resource, out TemplateNode problem)
    {
        problem = null!;
        resource = null!;
        if (_conditionsInProgress.Count > 0)
        {
            problem = problems.Unresolved(location, path, $"A condition takes its values from parameters and mappings; '{name}' is none of them.");
            return false;
        }

        if (Resources.TryGetValue(name, out resource!))
        {
            if (resource.Condition is null || Condition(resource.Condition, resource.Location, $"Resources.{name}.Condition") != false)
                return true;
            problem = problems.Unresolved(location, path, $"The resource '{name}' does not exist here, because its condition '{resource.Condition}' is false.");
            return false;
        }

        problem = ResourcesAreIncomplete
            ? new ScalarNode(location, $"placeholder-{name}") { IsPlaceholder = true }
            : problems.Unresolved(location, path, $"There is no parameter or resource '{name}'.{Suggestion.For(name, Resources.Keys.Concat(parameters.Names))}");
        return false;
    }

    private Func<string, TemplateNode?> Property(TemplateResource resource) => name => PropertyOf(resource, name);

    /// <summary>
    /// A property that others take from: evaluated once, because each of those may be taken from by several again, and never
    /// while it is being evaluated, because templates with a circle are read too.
    /// </summary>
    private TemplateNode? PropertyOf(TemplateResource resource, string name)
    {
        if (!resource.Properties.TryGet(name, out var value))
            return null;
        var key = (resource.LogicalId, name);
        if (_properties.TryGetValue(key, out var known))
            return known;
        var path = $"Resources.{resource.LogicalId}.Properties.{name}";
        if (!_propertiesInProgress.Add(key))
            return CircleIsReported ? new UnresolvedNode(value.Location) : problems.Unresolved(value.Location, path, "The value depends on itself.");
        try
        {
            return _properties[key] = Evaluate(value, path);
        }
        finally
        {
            _propertiesInProgress.Remove(key);
        }
    }

    /// <summary>The same value at the place where it is used, which is where a message about it should point.</summary>
    private TemplateNode Moved(TemplateNode node, SourceLocation location)
    {
        if (++_values > MaxValues)
            return TooLarge(location);
        return node switch
        {
            ScalarNode scalar => new ScalarNode(location, scalar.Text, scalar.Kind) { IsPlaceholder = scalar.IsPlaceholder, IsEmptyDefault = scalar.IsEmptyDefault },
            ListNode list => new ListNode(location, [.. list.Items.Select(item => Moved(item, location))]),
            MapNode map => new MapNode(location, [.. map.Entries.Select(entry => new MapEntry(entry.Key, location, Moved(entry.Value, location)))]) { IsIncomplete = map.IsIncomplete },
            _ => new UnresolvedNode(location),
        };
    }

    /// <summary>The name that Ref and Fn::GetAtt take: a text, or with AWS::LanguageExtensions what functions make of one.</summary>
    private bool TryName(TemplateNode argument, string path, [NotNullWhen(true)] out string? name, out UnresolvedNode? failure)
    {
        failure = null;
        if (argument is ScalarNode { Text: var written })
        {
            name = written;
            return true;
        }

        RequireLanguageExtensions("A function as the name of a resource", argument.Location, path);
        var isText = TryText(argument, path, out var text, out failure);
        name = text?.Text;
        return isText;
    }

    /// <summary>Without the transform CloudFormation refuses what only it understands.</summary>
    public void RequireLanguageExtensions(string what, SourceLocation location, string path)
    {
        if (!UsesLanguageExtensions)
            problems.Report(location, path, $"{what} needs 'Transform: AWS::LanguageExtensions'.");
    }

    private UnresolvedNode TooLarge(SourceLocation location) =>
        problems.Unresolved(new SourceLocation(location.File, 0), "", $"The template has more than {MaxValues} values when its functions are evaluated.");

    private UnresolvedNode TooLong(string function, SourceLocation location, string path) =>
        problems.Unresolved(location, path, $"{function} makes a text of more than {MaxTextLength} characters.");
}
