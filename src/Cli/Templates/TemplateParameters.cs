using System.Globalization;
using System.Text.RegularExpressions;

namespace UdpGateway.Cli.Templates;

/// <summary>Gives every parameter its value: the override, else the default, each checked against the declared constraints.</summary>
internal sealed class TemplateParameters(TemplateSettings settings, ProblemList problems)
{
    private static readonly string[] KnownKeys =
        ["Type", "Default", "AllowedValues", "AllowedPattern", "ConstraintDescription", "Description", "MinLength", "MaxLength", "MinValue", "MaxValue", "NoEcho"];

    private readonly Dictionary<string, TemplateNode> _values = [];

    public IEnumerable<string> Names => _values.Keys;

    public TemplateNode? Find(string name) => _values.GetValueOrDefault(name);

    public void Read(TemplateNode? section)
    {
        var map = section as MapNode;
        if (section is not null and not MapNode)
            problems.Report(section.Location, "Parameters", "This must be a map of parameters.");

        foreach (var entry in map?.Entries ?? [])
        {
            var path = "Parameters." + entry.Key;
            if (entry.Value is MapNode declaration)
                _values[entry.Key] = Value(entry.Key, declaration, entry.KeyLocation, path);
            else
                _values[entry.Key] = problems.Unresolved(entry.KeyLocation, path, "A parameter is a map with at least a Type.");
        }

        foreach (var name in settings.ParameterOverrides.Keys.Where(name => !_values.ContainsKey(name)))
            problems.Report(null, "--parameter-overrides", $"The template has no parameter '{name}'.{Suggestion.For(name, _values.Keys)}");
    }

    private TemplateNode Value(string name, MapNode declaration, SourceLocation location, string path)
    {
        foreach (var entry in declaration.Entries.Where(entry => !KnownKeys.Contains(entry.Key)))
            problems.Report(entry.KeyLocation, path, $"A parameter has no attribute '{entry.Key}'.{Suggestion.For(entry.Key, KnownKeys)}");

        var type = declaration.FindText("Type");
        if (type is null)
            return problems.Unresolved(location, path, "The parameter has no Type.");
        if (!IsKnownType(type))
            return problems.Unresolved(location, path, $"'{type}' is no parameter type.{Suggestion.For(type, ["String", "Number", "CommaDelimitedList", "List<Number>", "List<String>"])}");

        var isStored = type.StartsWith("AWS::SSM::Parameter::Value<", StringComparison.Ordinal);
        var valueType = isStored ? type["AWS::SSM::Parameter::Value<".Length..^1] : type;
        string text;
        var isDefault = false;
        if (settings.ParameterOverrides.TryGetValue(name, out var given))
            text = given;
        else if (isStored && declaration.FindText("Default") is { } stored && settings.StoredParameter(stored) is { } known)
            text = known;
        else if (!isStored && declaration.Find("Default") is ScalarNode defaultValue)
            (text, isDefault) = (defaultValue.Text, true);
        else if (settings.UsePlaceholders)
            return Placeholder(name, valueType, declaration, location);
        else if (isStored)
            return problems.Unresolved(location, path, $"The value comes from the SSM parameter store, which is not asked here: give it as --parameter-overrides {name}=VALUE.");
        else
            return problems.Unresolved(location, path, $"The parameter has neither a default nor a value: add --parameter-overrides {name}=VALUE.");

        return IsList(valueType)
            ? new ListNode(location, [.. SplitList(text).Select(item => Checked(item, valueType, declaration, location, path))])
            : Checked(text, valueType, declaration, location, path, isDefault && text.Length == 0);
    }

    private TemplateNode Checked(string text, string type, MapNode declaration, SourceLocation location, string path, bool isEmptyDefault = false)
    {
        var problem = Violation(text, type, declaration);
        if (problem is null)
            return new ScalarNode(location, text, ElementType(type) == "Number" ? ScalarKind.Number : ScalarKind.String) { IsEmptyDefault = isEmptyDefault };
        var given = string.Equals(declaration.FindText("NoEcho"), "true", StringComparison.OrdinalIgnoreCase) ? "The value" : $"'{text}'";
        var explained = declaration.FindText("ConstraintDescription") is { } description ? $" ({description.TrimEnd('.')})" : "";
        return problems.Unresolved(location, path, $"{given} {problem}{explained}.");
    }

    private static string? Violation(string text, string type, MapNode declaration)
    {
        if (ElementType(type) == "Number")
        {
            if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
                return "is no number";
            if (Limit(declaration, "MinValue") is { } minimum && number < minimum)
                return $"is less than MinValue {declaration.FindText("MinValue")}";
            if (Limit(declaration, "MaxValue") is { } maximum && number > maximum)
                return $"is greater than MaxValue {declaration.FindText("MaxValue")}";
        }

        if (Limit(declaration, "MinLength") is { } shortest && text.Length < shortest)
            return $"has {text.Length} characters, and MinLength is {shortest}";
        if (Limit(declaration, "MaxLength") is { } longest && text.Length > longest)
            return $"has {text.Length} characters, and MaxLength is {longest}";
        if (declaration.Find("AllowedValues") is ListNode allowed && !allowed.Items.OfType<ScalarNode>().Any(value => value.Text == text))
            return $"is none of the AllowedValues {string.Join(", ", allowed.Items.OfType<ScalarNode>().Select(value => value.Text))}";
        if (declaration.FindText("AllowedPattern") is { } pattern)
        {
            try
            {
                if (!Regex.IsMatch(text, $@"\A(?:{pattern})\z", RegexOptions.None, TimeSpan.FromSeconds(1)))
                    return $"does not match AllowedPattern {pattern}";
            }
            catch (ArgumentException)
            {
                return $"cannot be checked, because AllowedPattern {pattern} is no regular expression";
            }
            catch (RegexMatchTimeoutException)
            {
                return $"cannot be checked, because AllowedPattern {pattern} takes too long";
            }
        }

        return null;
    }

    private TemplateNode Placeholder(string name, string type, MapNode declaration, SourceLocation location)
    {
        problems.Note(location, null, $"Parameter {name} has no value; a placeholder of type {type} stands for it.");
        var element = ElementType(type);
        var text = declaration.Find("AllowedValues") is ListNode { Items: [ScalarNode first, ..] } ? first.Text
            : element == "Number" ? declaration.FindText("MinValue") ?? "1"
            : element.EndsWith("::Id", StringComparison.Ordinal) ? $"{element.Split("::")[^2].ToLowerInvariant()}-0123456789abcdef0"
            : $"placeholder-{name}";
        var scalar = new ScalarNode(location, text, element == "Number" ? ScalarKind.Number : ScalarKind.String) { IsPlaceholder = true };
        return IsList(type) ? new ListNode(location, [scalar]) : scalar;
    }

    private static double? Limit(MapNode declaration, string name) =>
        double.TryParse(declaration.FindText(name), NumberStyles.Float, CultureInfo.InvariantCulture, out var limit) ? limit : null;

    private static IEnumerable<string> SplitList(string text) =>
        text.Length == 0 ? [] : text.Split(',').Select(item => item.Trim());

    private static bool IsList(string type) => type == "CommaDelimitedList" || type.StartsWith("List<", StringComparison.Ordinal);

    private static string ElementType(string type) => type.StartsWith("List<", StringComparison.Ordinal) ? type[5..^1] : type;

    private static bool IsKnownType(string type)
    {
        if (type.StartsWith("AWS::SSM::Parameter::Value<", StringComparison.Ordinal) && type.EndsWith('>'))
            type = type["AWS::SSM::Parameter::Value<".Length..^1];
        if (type.StartsWith("List<", StringComparison.Ordinal) && type.EndsWith('>'))
            type = type[5..^1];
        return type is "String" or "Number" or "CommaDelimitedList" || type.StartsWith("AWS::", StringComparison.Ordinal);
    }
}
