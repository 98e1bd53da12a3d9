using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace UdpGateway.Cli.Templates;

/// <summary>
/// Reads a YAML template. Plain scalars are typed as YAML 1.1 does, which is what CloudFormation follows: <c>yes</c> and
/// <c>On</c> are booleans, <c>2012-10-17</c> stays text.
/// </summary>
internal sealed class YamlTemplateReader
{
    private const int MaxNodes = 500_000;

    private readonly string _file;
    private readonly Parser _parser;
    private readonly Dictionary<string, TemplateNode> _anchors = [];
    private int _nodes;
    private int _lastLine = 1;

    private YamlTemplateReader(string text, string file)
    {
        _file = file;
        _parser = new Parser(new StringReader(text));
    }

    /// <exception cref="TemplateSyntaxException">The text is no YAML, declares a key twice, or uses an unknown tag.</exception>
    public static TemplateNode Read(string text, string file)
    {
        var reader = new YamlTemplateReader(text, file);
        try
        {
            reader._parser.Consume<StreamStart>();
            if (!reader._parser.TryConsume<DocumentStart>(out _))
                return new MapNode(new SourceLocation(file, 1), []);
            var node = reader.ReadNode(0);
            reader._parser.Consume<DocumentEnd>();
            if (reader._parser.TryConsume<DocumentStart>(out var second))
                throw new TemplateSyntaxException(reader.At(second), "A template is one YAML document; a second one starts here.");
            return node;
        }
        catch (InvalidOperationException)
        {
            throw reader.Unreadable();
        }
        catch (YamlException exception)
        {
            throw new TemplateSyntaxException(new SourceLocation(file, LineOf(exception, text)), $"This is not valid YAML: {exception.Message.TrimEnd('.')}.");
        }
    }

    /// <summary>The scanner has no error of its own for some of what it cannot read, such as a list whose bracket is not closed.</summary>
    private TemplateSyntaxException Unreadable() =>
        new(new SourceLocation(_file, _lastLine), "This is not valid YAML: after this nothing can be read; a bracket, a brace or a quote may not be closed.");

    /// <summary>For a tab the parser gives the line before it.</summary>
    private static int LineOf(YamlException exception, string text)
    {
        var line = (int)exception.End.Line;
        if (!exception.Message.Contains("tab", StringComparison.Ordinal))
            return line;
        var lines = text.Split('\n');
        var index = Array.FindIndex(lines, Math.Clamp(line - 1, 0, lines.Length), candidate => candidate.TrimStart(' ').StartsWith('\t'));
        return index < 0 ? line : index + 1;
    }

    private TemplateNode ReadNode(int depth)
    {
        var current = _parser.Current ?? throw new TemplateSyntaxException(new SourceLocation(_file, 0), "The document ends too early.");
        var location = At(current);
        CountOne(location, depth);
        switch (current)
        {
            case AnchorAlias alias:
                _parser.MoveNext();
                if (!_anchors.TryGetValue(alias.Value.Value, out var target))
                    throw new TemplateSyntaxException(location, $"There is no anchor '{alias.Value.Value}' before this alias.");
                Count(target, location, depth);
                return target;
            case Scalar scalar:
                _parser.MoveNext();
                return Anchored(scalar, Tagged(scalar.Tag, Typed(scalar, location), location));
            case SequenceStart start:
                _parser.MoveNext();
                var items = new List<TemplateNode>();
                while (_parser.Current is not SequenceEnd)
                    items.Add(ReadNode(depth + 1));
                _parser.MoveNext();
                return Anchored(start, Tagged(start.Tag, new ListNode(location, items), location));
            case MappingStart start:
                _parser.MoveNext();
                var entries = ReadEntries(depth);
                return Anchored(start, Tagged(start.Tag, new MapNode(location, entries), location));
            default:
                throw new TemplateSyntaxException(location, "A value is missing here.");
        }
    }

    private List<MapEntry> ReadEntries(int depth)
    {
        var entries = new List<MapEntry>();
        var keys = new HashSet<string>();
        while (_parser.Current is not MappingEnd)
        {
            if (!_parser.TryConsume<Scalar>(out var key))
                throw new TemplateSyntaxException(At(_parser.Current!), "A key must be plain text.");
            if (key.Value == "<<" && key.Style == ScalarStyle.Plain)
                throw new TemplateSyntaxException(At(key), "CloudFormation takes no YAML merges ('<<'); write the keys out.");
            if (!keys.Add(key.Value))
                throw new TemplateSyntaxException(At(key), $"The key '{key.Value}' is declared twice.");
            entries.Add(new MapEntry(key.Value, At(key), ReadNode(depth + 1)));
        }

        _parser.MoveNext();
        return entries;
    }

    /// <summary>An alias is as large as what it repeats, so that a small file cannot stand for an endless template.</summary>
    private void Count(TemplateNode node, SourceLocation location, int depth)
    {
        CountOne(location, depth);
        if (node is ListNode list)
        {
            foreach (var item in list.Items)
                Count(item, location, depth + 1);
        }
        else if (node is MapNode map)
        {
            foreach (var entry in map.Entries)
                Count(entry.Value, location, depth + 1);
        }
    }

    private void CountOne(SourceLocation location, int depth)
    {
        _lastLine = location.Line;
        if (depth > TemplateReader.MaxDepth)
            throw new TemplateSyntaxException(location, $"The template is nested more than {TemplateReader.MaxDepth} levels deep.");
        if (++_nodes > MaxNodes)
            throw new TemplateSyntaxException(location, $"The template has more than {MaxNodes} values.");
    }

    private TemplateNode Anchored(NodeEvent source, TemplateNode node)
    {
        if (!source.Anchor.IsEmpty)
            _anchors[source.Anchor.Value] = node;
        return node;
    }

    /// <summary>Turns a short form into the long one.</summary>
    private static TemplateNode Tagged(TagName tag, TemplateNode node, SourceLocation location)
    {
        if (tag.IsEmpty || tag.IsNonSpecific || tag.Value.StartsWith("tag:yaml.org,2002:", StringComparison.Ordinal))
            return node;
        var name = tag.Value.TrimStart('!');
        var function = name is "Ref" or "Condition" ? name : "Fn::" + name;
        if (!TemplateEvaluator.FunctionNames.Contains(function))
        {
            var known = TemplateEvaluator.FunctionNames.Select(known => "!" + known.Replace("Fn::", "", StringComparison.Ordinal));
            throw new TemplateSyntaxException(location, $"CloudFormation has no function '{tag.Value}'.{Suggestion.For(tag.Value, known)}");
        }

        return new MapNode(location, [new MapEntry(function, location, node)]);
    }

    private static ScalarNode Typed(Scalar scalar, SourceLocation location)
    {
        var text = scalar.Value;
        // A tag is either a function, which takes names and texts, or says that this is text.
        if (scalar.Style != ScalarStyle.Plain || !scalar.Tag.IsEmpty)
            return new ScalarNode(location, text);
        return text switch
        {
            "" or "~" or "null" or "Null" or "NULL" => new ScalarNode(location, "", ScalarKind.Null),
            "true" or "True" or "TRUE" or "yes" or "Yes" or "YES" or "on" or "On" or "ON" => new ScalarNode(location, "true", ScalarKind.Boolean),
            "false" or "False" or "FALSE" or "no" or "No" or "NO" or "off" or "Off" or "OFF" => new ScalarNode(location, "false", ScalarKind.Boolean),
            _ => new ScalarNode(location, text, IsNumber(text) ? ScalarKind.Number : ScalarKind.String),
        };
    }

    private static bool IsNumber(string text) =>
        text[0] is (>= '0' and <= '9') or '-' or '+' or '.'
        && double.TryParse(text, System.Globalization.NumberStyles.Float, System.Globalization.CultureInfo.InvariantCulture, out _);

    private SourceLocation At(ParsingEvent parsed) => new(_file, (int)parsed.Start.Line);
}
