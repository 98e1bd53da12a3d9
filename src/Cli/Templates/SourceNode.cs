using System.Text;
using System.Text.Json;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace UdpGateway.Cli.Templates;

internal readonly record struct SourceEntry(SourceNode Key, SourceNode Value);

/// <summary>
/// A piece of a template with its place in the text, for those who edit the text itself. Nothing is expanded: a short form is a
/// node with a tag, an alias a node without content.
/// </summary>
internal sealed record SourceNode
{
    /// <summary>The first character, and the one after the last; of a block, up to the end of its last value.</summary>
    public required int Start { get; init; }

    public required int End { get; init; }

    public required int Line { get; init; }

    /// <summary>The value of a scalar, without quotes and escapes.</summary>
    public string? Text { get; init; }

    /// <summary>Such as <c>!Sub</c>; null in JSON.</summary>
    public string? Tag { get; init; }

    public IReadOnlyList<SourceNode> Items { get; init; } = [];

    public IReadOnlyList<SourceEntry> Entries { get; init; } = [];

    public SourceNode? Find(string key)
    {
        foreach (var entry in Entries)
        {
            if (entry.Key.Text == key)
                return entry.Value;
        }

        return null;
    }

    /// <summary>The argument of the function when this is a call of it, in either form.</summary>
    /// <param name="function">Without <c>Fn::</c>.</param>
    public SourceNode? ArgumentOf(string function) =>
        Tag == "!" + function ? this : Entries is [var only] && only.Key.Text == "Fn::" + function ? only.Value : null;

    /// <param name="text">A template that <see cref="TemplateReader"/> has read without a problem.</param>
    public static SourceNode Parse(string text)
    {
        if (text.AsSpan().TrimStart().StartsWith("{"))
            return new JsonSource(text).Read();
        var parser = new Parser(new StringReader(text));
        parser.Consume<StreamStart>();
        return parser.TryConsume<DocumentStart>(out _) ? ReadYaml(parser) : new SourceNode { Start = 0, End = 0, Line = 1 };
    }

    private static SourceNode ReadYaml(IParser parser)
    {
        var first = parser.Current!;
        var (start, line) = ((int)first.Start.Index, (int)first.Start.Line);
        switch (first)
        {
            case Scalar scalar:
                parser.MoveNext();
                return new SourceNode { Start = start, End = (int)scalar.End.Index, Line = line, Text = scalar.Value, Tag = TagOf(scalar) };
            case SequenceStart sequence:
                parser.MoveNext();
                var items = new List<SourceNode>();
                while (parser.Current is not SequenceEnd)
                    items.Add(ReadYaml(parser));
                return new SourceNode { Start = start, End = EndOf(sequence.Style == SequenceStyle.Flow, items.LastOrDefault()), Line = line, Tag = TagOf(sequence), Items = items };
            case MappingStart mapping:
                parser.MoveNext();
                var entries = new List<SourceEntry>();
                while (parser.Current is not MappingEnd)
                    entries.Add(new SourceEntry(ReadYaml(parser), ReadYaml(parser)));
                return new SourceNode { Start = start, End = EndOf(mapping.Style == MappingStyle.Flow, entries.LastOrDefault().Value), Line = line, Tag = TagOf(mapping), Entries = entries };
            default:
                parser.MoveNext();
                return new SourceNode { Start = start, End = (int)first.End.Index, Line = line };
        }

        // The parser sees the end of a block only at the next token, behind comments and empty lines.
        int EndOf(bool isFlow, SourceNode? last)
        {
            var end = isFlow || last is null ? (int)parser.Current!.End.Index : last.End;
            parser.MoveNext();
            return end;
        }
    }

    private static string? TagOf(NodeEvent node) => node.Tag.IsEmpty || node.Tag.IsNonSpecific ? null : node.Tag.Value;

    /// <summary>The reader counts bytes, and the edits count characters.</summary>
    private ref struct JsonSource
    {
        private readonly ReadOnlySpan<byte> _content;
        private Utf8JsonReader _reader;
        private int _bytes;
        private int _characters;
        private int _line = 1;

        public JsonSource(string text)
        {
            _content = Encoding.UTF8.GetBytes(text);
            _reader = new Utf8JsonReader(_content, new JsonReaderOptions { MaxDepth = TemplateReader.MaxDepth });
        }

        public SourceNode Read()
        {
            _reader.Read();
            return ReadNode();
        }

        private SourceNode ReadNode()
        {
            var start = Position((int)_reader.TokenStartIndex);
            var line = _line;
            switch (_reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    var entries = new List<SourceEntry>();
                    while (_reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
                    {
                        // BytesConsumed of a name is behind its colon.
                        var key = new SourceNode { Start = Position((int)_reader.TokenStartIndex), End = Position((int)_reader.TokenStartIndex + _reader.ValueSpan.Length + 2), Line = _line, Text = _reader.GetString() };
                        _reader.Read();
                        entries.Add(new SourceEntry(key, ReadNode()));
                    }

                    return new SourceNode { Start = start, End = Position((int)_reader.BytesConsumed), Line = line, Entries = entries };
                case JsonTokenType.StartArray:
                    var items = new List<SourceNode>();
                    while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
                        items.Add(ReadNode());
                    return new SourceNode { Start = start, End = Position((int)_reader.BytesConsumed), Line = line, Items = items };
                default:
                    var text = _reader.TokenType == JsonTokenType.String ? _reader.GetString() : Encoding.UTF8.GetString(_reader.ValueSpan);
                    return new SourceNode { Start = start, End = Position((int)_reader.BytesConsumed), Line = line, Text = text };
            }
        }

        private int Position(int bytes)
        {
            var passed = _content[_bytes..bytes];
            _characters += Encoding.UTF8.GetCharCount(passed);
            _line += passed.Count((byte)'\n');
            _bytes = bytes;
            return _characters;
        }
    }
}
