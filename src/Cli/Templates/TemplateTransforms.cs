namespace UdpGateway.Cli.Templates;

/// <summary>
/// What CloudFormation does before it looks at a template: <c>AWS::Include</c> and <c>Fn::ForEach</c>. SAM has a class of its own.
/// </summary>
internal sealed class TemplateTransforms(string directory, TemplateSettings settings, TemplateEvaluator evaluator, ProblemList problems)
{
    private const string ForEach = "Fn::ForEach::";

    /// <summary>Bounds what nested loops and includes that include themselves can produce.</summary>
    private const int MaxExpansions = 10_000;

    private int _expansions;

    public bool UsesServerless { get; private set; }

    /// <summary>The local files that were included.</summary>
    public List<string> IncludedFiles { get; } = [];

    /// <summary>Reads the section Transform: the names of macros, in any of its forms.</summary>
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
                    break;
                default:
                    problems.Report(node.Location, "Transform", $"'{name}' is a macro that runs within AWS; only AWS::Serverless-2016-10-31 and AWS::LanguageExtensions can be followed here.");
                    break;
            }
        }
    }

    public MapNode Expand(MapNode root) =>
        new(root.Location, [.. root.Entries.Select(entry => entry.Key is "Parameters" or "Metadata" or "Rules"
            ? entry
            : entry with { Value = Expand(entry.Value, entry.Key) })]);

    private TemplateNode Expand(TemplateNode node, string path)
    {
        switch (node)
        {
            case ListNode list:
                return new ListNode(list.Location, [.. list.Items.Select((item, index) => Expand(item, $"{path}[{index}]"))]);
            case MapNode map:
                var entries = new List<MapEntry>();
                var isIncomplete = map.IsIncomplete;
                foreach (var entry in map.Entries)
                {
                    if (entry.Key == "Fn::Transform")
                        isIncomplete |= !Include(entry, path, entries);
                    else if (entry.Key.StartsWith(ForEach, StringComparison.Ordinal))
                        Repeat(entry, path, entries);
                    else
                        entries.Add(entry with { Value = Expand(entry.Value, $"{path}.{entry.Key}") });
                }

                return new MapNode(map.Location, entries) { IsIncomplete = isIncomplete };
            default:
                return node;
        }
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
            IncludedFiles.Add(file);
            var included = TemplateReader.Read(file, file, problems);
            if (included is MapNode map)
                entries.AddRange(((MapNode)Expand(map, path)).Entries);
            else if (included is not null)
                problems.Report(included.Location, null, "An included file must be a map.");
            return included is MapNode;
        }

        if (path == "Mappings.ProxylityConfig")
        {
            entries.AddRange(ProviderConfiguration(include.KeyLocation).Entries);
            return true;
        }

        if (settings.UsePlaceholders)
            problems.Note($"The include {location} cannot be read here; placeholders stand for what it holds (--include {location}=FILE gives it).");
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
        var file = Path.Combine(directory, location);
        return File.Exists(file) ? file : null;
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

        foreach (var value in values.Items.Cast<ScalarNode>())
        {
            if (++_expansions > MaxExpansions)
            {
                problems.Report(loop.KeyLocation, path, "The loops make too many entries.");
                return;
            }

            entries.AddRange(((MapNode)Expand(Substitute(body, identifier.Text, value.Text), path)).Entries);
        }
    }

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
