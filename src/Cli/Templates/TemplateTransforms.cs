using System.Runtime.CompilerServices;

namespace UdpGateway.Cli.Templates;

/// <summary>
/// What CloudFormation does before it looks at a template: <c>AWS::Include</c> and <c>Fn::ForEach</c>. SAM has a class of its own.
/// </summary>
internal sealed class TemplateTransforms(string directory, TemplateSettings settings, TemplateEvaluator evaluator, ProblemList problems)
{
    private const string ForEach = "Fn::ForEach::";

    /// <summary>Bounds what nested loops and includes that include themselves can produce.</summary>
    private const int MaxExpansions = 10_000;

    /// <summary>Bounds what loops over large bodies can produce; as many values as a template that is read may have.</summary>
    private const int MaxRepeatedValues = 500_000;

    private readonly List<string> _including = [];
    private int _expansions;
    private int _repeatedValues;

    public bool UsesServerless { get; private set; }

    /// <summary>The local files that were included.</summary>
    public List<string> IncludedFiles { get; } = [];

    /// <summary>Reads the section Transform: the names of macros, in any of its forms. <see cref="Expand(MapNode)"/> follows an include there.</summary>
    public void ReadDeclared(TemplateNode? section)
    {
        var names = section switch
        {
            null => [],
            ListNode list => list.Items,
            _ => [section],
        };
        foreach (var node in names)
        {
            var name = node is MapNode map ? map.FindText("Name") : (node as ScalarNode)?.Text;
            switch (name)
            {
                case "AWS::Serverless-2016-10-31":
                    UsesServerless = true;
                    break;
                case "AWS::LanguageExtensions":
                    evaluator.UsesLanguageExtensions = true;
                    break;
                case "AWS::Include" when node is MapNode:
                    break;
                case null:
                    problems.Report(node.Location, "Transform", "A transform is a name, or a map with a Name.");
                    break;
                default:
                    problems.Report(node.Location, "Transform", $"'{name}' is a macro that runs within AWS; only AWS::Serverless-2016-10-31 and AWS::LanguageExtensions can be followed here.");
                    break;
            }
        }
    }

    public MapNode Expand(MapNode root)
    {
        var sections = new List<MapEntry>();
        var isIncomplete = false;
        foreach (var entry in root.Entries)
        {
            if (entry.Key == "Fn::Transform")
                isIncomplete |= !Include(entry, "", sections);
            else if (entry.Key == "Transform" && IncludeOf(entry.Value) is { } include)
                isIncomplete |= !Include(entry with { Value = include }, "", sections);
            else
                sections.Add(entry);
        }

        RemoveRepeated(sections, "");
        // Loops may take their collections from mappings.
        var mappings = sections.FindIndex(entry => entry.Key == "Mappings");
        if (mappings >= 0)
        {
            sections[mappings] = sections[mappings] with { Value = Expand(sections[mappings].Value, "Mappings") };
            evaluator.Mappings = sections[mappings].Value as MapNode;
        }

        var expanded = sections.Select(entry => entry.Key is "Parameters" or "Metadata" or "Rules" or "Mappings"
            ? entry
            : entry with { Value = Expand(entry.Value, entry.Key) });
        return new MapNode(root.Location, [.. expanded]) { IsIncomplete = isIncomplete };
    }

    private static MapNode? IncludeOf(TemplateNode transform) =>
        (transform is ListNode list ? list.Items : [transform]).OfType<MapNode>().FirstOrDefault(map => map.FindText("Name") == "AWS::Include");

    private TemplateNode Expand(TemplateNode node, string path)
    {
        switch (node)
        {
            case ListNode list:
                return new ListNode(list.Location, [.. list.Items.Select((item, index) => Expand(item, $"{path}[{index}]"))]);
            case MapNode map:
                if (!RuntimeHelpers.TryEnsureSufficientExecutionStack())
                {
                    problems.Report(map.Location, path, "The includes and loops are nested too deep.");
                    return map;
                }

                var entries = new List<MapEntry>();
                var isIncomplete = map.IsIncomplete;
                var isAsWritten = true;
                foreach (var entry in map.Entries)
                {
                    var isInclude = entry.Key == "Fn::Transform";
                    var isLoop = entry.Key.StartsWith(ForEach, StringComparison.Ordinal);
                    isAsWritten &= !isInclude && !isLoop;
                    if (isInclude)
                        isIncomplete |= !Include(entry, path, entries);
                    else if (isLoop)
                        Repeat(entry, path, entries);
                    else
                        entries.Add(entry with { Value = Expand(entry.Value, $"{path}.{entry.Key}") });
                }

                if (!isAsWritten)
                    RemoveRepeated(entries, path);
                return new MapNode(map.Location, entries) { IsIncomplete = isIncomplete };
            default:
                return node;
        }
    }

    /// <summary>A file is read without a key twice; includes and loops can still bring one.</summary>
    private void RemoveRepeated(List<MapEntry> entries, string path)
    {
        var keys = new HashSet<string>();
        entries.RemoveAll(entry =>
        {
            if (keys.Add(entry.Key))
                return false;
            problems.Report(entry.KeyLocation, path, $"The key '{entry.Key}' is declared twice.");
            return true;
        });
    }

    /// <summary>Puts the included map's entries beside those of the map that includes it. False when it could not be read.</summary>
    private bool Include(MapEntry include, string path, List<MapEntry> entries)
    {
        if (include.Value is not MapNode call || call.FindText("Name") is not { } name)
        {
            problems.Report(include.KeyLocation, path, "Fn::Transform takes a map with Name and Parameters.");
            return false;
        }

        if (name != "AWS::Include")
        {
            problems.Report(include.KeyLocation, path, $"'{name}' is a macro that runs within AWS; only AWS::Include can be followed here.");
            return false;
        }

        if ((call.Find("Parameters") as MapNode)?.Find("Location") is not { } argument || evaluator.Evaluate(argument, path) is not ScalarNode { Text: var location })
        {
            problems.Report(include.KeyLocation, path, "AWS::Include needs a text as Parameters.Location.");
            return false;
        }

        if (++_expansions > MaxExpansions)
        {
            problems.Report(include.KeyLocation, path, "The includes do not end.");
            return false;
        }

        if (Find(location) is { } file)
        {
            if (_including.Contains(file))
            {
                problems.Report(include.KeyLocation, path, $"{location} includes itself.");
                return false;
            }

            IncludedFiles.Add(file);
            var included = TemplateReader.Read(file, file, problems);
            if (included is MapNode map)
            {
                _including.Add(file);
                entries.AddRange(((MapNode)Expand(map, path)).Entries);
                _including.RemoveAt(_including.Count - 1);
            }
            else if (included is not null)
            {
                problems.Report(included.Location, null, "An included file must be a map.");
            }

            return included is MapNode;
        }

        if (path == "Mappings.ProxylityConfig" || location.EndsWith("/customer-config.json", StringComparison.Ordinal))
        {
            entries.AddRange(ProviderConfiguration(include.KeyLocation).Entries);
            return true;
        }

        if (settings.UsePlaceholders)
            problems.Note(include.KeyLocation, null, $"The include {location} cannot be read here; placeholders stand for what it holds (--include {location}=FILE gives it).");
        else
            problems.Report(include.KeyLocation, path, $"The include {location} cannot be read here: add --include {location}=FILE.");
        return false;
    }

    private string? Find(string location)
    {
        if (settings.Includes.TryGetValue(location, out var given))
            return given;
        if (location.Contains("://", StringComparison.Ordinal))
            return null;
        var file = Path.GetFullPath(location, directory);
        // A device or a pipe has no length; reading one could wait for ever.
        return File.Exists(file) && new FileInfo(file).Length > 0 ? file : null;
    }

    /// <summary>The customer configuration document as this program's own provider would publish it.</summary>
    private MapNode ProviderConfiguration(SourceLocation location)
    {
        return Map(
            (settings.Region, Map(("ServiceToken", Text(settings.ServiceToken)), ("ServiceRole", Text(settings.ServiceRole)))),
            ("Account", Map(("ApiKey", Text(settings.ApiKey)))));

        ScalarNode Text(string text) => new(location, text);
        MapNode Map(params (string Key, TemplateNode Value)[] entries) => new(location, [.. entries.Select(entry => new MapEntry(entry.Key, location, entry.Value))]);
    }

    private void Repeat(MapEntry loop, string path, List<MapEntry> entries)
    {
        evaluator.RequireLanguageExtensions("Fn::ForEach", loop.KeyLocation, path);
        if (loop.Value is not ListNode { Items: [ScalarNode identifier, var collection, MapNode body] })
        {
            problems.Report(loop.KeyLocation, path, $"{loop.Key} takes an identifier, a collection and a map.");
            return;
        }

        if (evaluator.Evaluate(collection, path) is not ListNode values || values.Items.Any(item => item is not ScalarNode))
        {
            problems.Report(loop.KeyLocation, path, $"The collection of {loop.Key} must be a list of texts.");
            return;
        }

        var size = Size(body);
        foreach (var value in values.Items.Cast<ScalarNode>())
        {
            if (++_expansions > MaxExpansions || (_repeatedValues += size) > MaxRepeatedValues)
            {
                problems.Report(loop.KeyLocation, path, "The loops make too many entries.");
                return;
            }

            entries.AddRange(((MapNode)Expand(Substitute(body, identifier.Text, value.Text), path)).Entries);
        }
    }

    private static int Size(TemplateNode node) => node switch
    {
        ListNode list => 1 + list.Items.Sum(Size),
        MapNode map => 1 + map.Entries.Sum(entry => Size(entry.Value)),
        _ => 1,
    };

    /// <summary>Replaces <c>${Identifier}</c>, and <c>&amp;{Identifier}</c> by the value without what logical ids may not hold.</summary>
    private static TemplateNode Substitute(TemplateNode node, string identifier, string value)
    {
        return node switch
        {
            ScalarNode scalar => new ScalarNode(scalar.Location, InText(scalar.Text), scalar.Kind) { IsPlaceholder = scalar.IsPlaceholder },
            ListNode list => new ListNode(list.Location, [.. list.Items.Select(item => Substitute(item, identifier, value))]),
            MapNode { Entries: [{ Key: "Ref", Value: ScalarNode name }] } map when name.Text == identifier => new ScalarNode(map.Location, value),
            MapNode map => new MapNode(map.Location, [.. map.Entries.Select(entry => new MapEntry(InText(entry.Key), entry.KeyLocation, Substitute(entry.Value, identifier, value)))]),
            _ => node,
        };

        string InText(string text) => text
            .Replace($"${{{identifier}}}", value, StringComparison.Ordinal)
            .Replace($"&{{{identifier}}}", string.Concat(value.Where(char.IsAsciiLetterOrDigit)), StringComparison.Ordinal);
    }
}
