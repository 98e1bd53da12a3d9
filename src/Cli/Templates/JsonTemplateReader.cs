using System.Text;
using System.Text.Json;

namespace UdpGateway.Cli.Templates;

/// <summary>Reads a JSON template with the line of every value.</summary>
internal ref struct JsonTemplateReader
{
    private readonly ReadOnlySpan<byte> _content;
    private readonly string _file;
    private Utf8JsonReader _reader;
    private int _line = 1;
    private int _counted;

    private JsonTemplateReader(ReadOnlySpan<byte> content, string file)
    {
        _content = content;
        _file = file;
        _reader = new Utf8JsonReader(content, new JsonReaderOptions { MaxDepth = TemplateReader.MaxDepth });
    }

    /// <exception cref="TemplateSyntaxException">The text is no JSON, or declares a key twice.</exception>
    public static TemplateNode Read(ReadOnlySpan<byte> content, string file)
    {
        var reader = new JsonTemplateReader(content, file);
        try
        {
            reader._reader.Read();
            var node = reader.ReadNode();
            reader._reader.Read();
            return node;
        }
        catch (JsonException exception)
        {
            var end = exception.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            var sentence = (end < 0 ? exception.Message : exception.Message[..end]).Replace(" Change the reader options.", "", StringComparison.Ordinal);
            throw new TemplateSyntaxException(new SourceLocation(file, (int)(exception.LineNumber ?? 0) + 1), $"This is not valid JSON: {sentence}");
        }
        catch (InvalidOperationException)
        {
            throw new TemplateSyntaxException(reader.Here(), "This is not valid JSON: the text is not valid UTF-8.");
        }
    }

    private TemplateNode ReadNode()
    {
        var location = Here();
        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var entries = new List<MapEntry>();
                var keys = new HashSet<string>();
                while (_reader.Read() && _reader.TokenType != JsonTokenType.EndObject)
                {
                    var keyLocation = Here();
                    var key = _reader.GetString()!;
                    if (!keys.Add(key))
                        throw new TemplateSyntaxException(keyLocation, $"The key '{key}' is declared twice.");
                    _reader.Read();
                    entries.Add(new MapEntry(key, keyLocation, ReadNode()));
                }

                return new MapNode(location, entries);
            case JsonTokenType.StartArray:
                var items = new List<TemplateNode>();
                while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
                    items.Add(ReadNode());
                return new ListNode(location, items);
            case JsonTokenType.String:
                return new ScalarNode(location, _reader.GetString()!);
            case JsonTokenType.Number:
                return new ScalarNode(location, Encoding.UTF8.GetString(_reader.ValueSpan), ScalarKind.Number);
            case JsonTokenType.True:
                return new ScalarNode(location, "true", ScalarKind.Boolean);
            case JsonTokenType.False:
                return new ScalarNode(location, "false", ScalarKind.Boolean);
            default:
                return new ScalarNode(location, "", ScalarKind.Null);
        }
    }

    private SourceLocation Here()
    {
        var start = (int)_reader.TokenStartIndex;
        if (start > _counted)
        {
            _line += _content[_counted..start].Count((byte)'\n');
            _counted = start;
        }

        return new SourceLocation(_file, _line);
    }
}
