using System.Globalization;
using System.Text.Json;

namespace UdpGateway.Listeners;

/// <summary>
/// Reads one JSON object as CloudFormation hands it over: every scalar may be a string, a number or a boolean,
/// and null is the same as absent. It never throws on any JSON; what cannot be read becomes a problem with its path.
/// </summary>
internal sealed class PropertyBinder
{
    private const string UnreadableName = "\uFFFD";

    private readonly Dictionary<string, JsonElement> _properties = new(StringComparer.Ordinal);
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly ProblemList _found;

    public PropertyBinder(JsonElement properties, string path, ProblemList found)
    {
        Path = path;
        _found = found;
        if (properties.ValueKind is not JsonValueKind.Object)
            return;
        foreach (var property in properties.EnumerateObject())
        {
            var name = NameOf(property);
            // JSON leaves open which one counts.
            if (!_properties.TryAdd(name, property.Value) && name != UnreadableName)
                found.Problem(PathOf(Shorten(name)), null, "is declared twice", "declared_twice");
        }
    }

    /// <summary>Path of the object itself; empty at the top.</summary>
    public string Path { get; }

    public string PathOf(string name) => Path.Length == 0 ? name : $"{Path}.{name}";

    public bool Has(string name) => Find(name) is not null;

    public bool IsObject(string name) => Find(name) is { ValueKind: JsonValueKind.Object };

    /// <summary>Marks properties as expected without reading them.</summary>
    public void Accept(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
            _known.Add(name);
    }

    public string? Text(string name) => Find(name) is { } value ? Scalar(value, PathOf(name), "must be a string") : null;

    public bool? Boolean(string name)
    {
        if (Find(name) is not { } value || Scalar(value, PathOf(name), "must be true or false") is not { } text)
            return null;
        if (bool.TryParse(text, out var result))
            return result;
        _found.Problem(PathOf(name), Quote(text), "must be true or false", "boolean");
        return null;
    }

    public double? Number(string name)
    {
        if (Find(name) is not { } value || Scalar(value, PathOf(name), "must be a number") is not { } text)
            return null;
        if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var result) && double.IsFinite(result))
            return result;
        _found.Problem(PathOf(name), Quote(text), "must be a number", "number");
        return null;
    }

    public int? Integer(string name)
    {
        if (Number(name) is not { } number)
            return null;
        if (number == Math.Floor(number) && number is >= int.MinValue and <= int.MaxValue)
            return (int)number;
        _found.Problem(PathOf(name), number.ToString(CultureInfo.InvariantCulture), "must be a whole number", "whole_number");
        return null;
    }

    /// <summary>A list of scalars; a single scalar counts as a list of one. Null when absent.</summary>
    public IReadOnlyList<(string Path, string Text)>? Texts(string name)
    {
        if (Find(name) is not { } value)
            return null;
        if (value.ValueKind is not JsonValueKind.Array)
            return Scalar(value, PathOf(name), "must be a list of strings") is { } single ? [(PathOf(name), single)] : [];

        var texts = new List<(string, string)>();
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            var path = $"{PathOf(name)}[{index++}]";
            if (item.ValueKind is not JsonValueKind.Null && Scalar(item, path, "must be a string") is { } text)
                texts.Add((path, text));
        }

        return texts;
    }

    /// <summary>Null when absent or no object; the latter is a problem.</summary>
    public PropertyBinder? Object(string name)
    {
        if (Find(name) is not { } value)
            return null;
        if (value.ValueKind is JsonValueKind.Object)
            return new PropertyBinder(value, PathOf(name), _found);
        _found.Problem(PathOf(name), KindOf(value), "must be an object", "object");
        return null;
    }

    /// <summary>A list of objects. Null when absent.</summary>
    public IReadOnlyList<PropertyBinder>? Objects(string name)
    {
        if (Find(name) is not { } value)
            return null;
        if (value.ValueKind is not JsonValueKind.Array)
        {
            _found.Problem(PathOf(name), KindOf(value), "must be a list of objects", "list");
            return [];
        }

        var binders = new List<PropertyBinder>();
        var index = 0;
        foreach (var item in value.EnumerateArray())
        {
            var path = $"{PathOf(name)}[{index++}]";
            if (item.ValueKind is JsonValueKind.Object)
                binders.Add(new PropertyBinder(item, path, _found));
            else if (item.ValueKind is not JsonValueKind.Null)
                _found.Problem(path, KindOf(item), "must be an object", "object");
        }

        return binders;
    }

    /// <summary>An object whose property names are data, such as a map of regions; a scalar becomes the value of <paramref name="scalarKey"/>.</summary>
    public IReadOnlyList<(string Path, string Key, string Text)> Map(string name, string scalarKey)
    {
        if (Find(name) is not { } value)
            return [];
        if (value.ValueKind is not JsonValueKind.Object)
            return Scalar(value, PathOf(name), "must be a string or an object") is { Length: > 0 } single ? [(PathOf(name), scalarKey, single)] : [];

        var entries = new List<(string, string, string)>();
        foreach (var property in value.EnumerateObject())
        {
            var key = NameOf(property);
            var path = $"{PathOf(name)}.{Shorten(key)}";
            if (property.Value.ValueKind is not JsonValueKind.Null && Scalar(property.Value, path, "must be a string") is { } text)
                entries.Add((path, key, text));
        }

        return entries;
    }

    /// <summary>A string, or an object with that string as its only property of interest, such as <c>{"Arn": …}</c>.</summary>
    public string? TextOrWrapped(string name, string inner)
    {
        if (Find(name) is not { ValueKind: JsonValueKind.Object } value)
            return Text(name);
        var wrapped = new PropertyBinder(value, PathOf(name), _found);
        var text = wrapped.Text(inner);
        if (text is null && !wrapped.HasProblemAt(inner))
            _found.Problem(PathOf(name), null, $"must be a string or an object with {inner}", "object");
        wrapped.ReportUnknown();
        return text;
    }

    /// <summary>A value that was read but is wrong.</summary>
    public void Report(string name, string? given, string sentence, string code) => _found.Problem(PathOf(name), given, sentence, code);

    /// <summary>Names that nobody read: a warning, or a problem where a slip of the pen would open or close the listener.</summary>
    /// <param name="refusal">Where every name decides who is let in, what to say of one that does nothing; null makes that a warning.</param>
    public void ReportUnknown(string? refusal = null)
    {
        foreach (var name in _properties.Keys.Where(name => !_known.Contains(name)))
        {
            if (GatingProperties.Nearest(name) is { } meant)
                _found.Problem(PathOf(Shorten(name)), null, _known.Contains(meant) ? $"is not a property; {meant} must be written exactly so" : $"is not a property here; {meant} belongs elsewhere", "misspelled_property");
            else if (refusal is not null)
                _found.Problem(PathOf(Shorten(name)), null, refusal, "unknown_restriction");
            else
                _found.Warning(PathOf(Shorten(name)), null, "is not a property of this resource and has no effect", "unknown_property");
        }
    }

    internal static string Quote(string text) => $"\"{Shorten(text)}\"";

    private static string Shorten(string text)
    {
        var clean = new string([.. text.Take(60).Select(character => char.IsControl(character) || char.IsSurrogate(character) ? '\uFFFD' : character)]);
        return text.Length > 60 ? clean + "…" : clean;
    }

    private bool HasProblemAt(string name) => _found.Problems.Any(problem => problem.Path == PathOf(name));

    private JsonElement? Find(string name)
    {
        _known.Add(name);
        return _properties.TryGetValue(name, out var value) && value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined) ? value : null;
    }

    private string? Scalar(JsonElement value, string path, string sentence)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.True:
                return "true";
            case JsonValueKind.False:
                return "false";
            case JsonValueKind.Number:
                return value.GetRawText();
            case JsonValueKind.String when TryGetText(value, out var text):
                return text;
            case JsonValueKind.String:
                _found.Problem(path, null, "is no Unicode text (half a surrogate pair, or broken UTF-8)", "text");
                return null;
            default:
                _found.Problem(path, KindOf(value), sentence, "scalar");
                return null;
        }
    }

    // JSON may escape half a surrogate pair, which is no text; the reader refuses it only when asked for the string.
    private static bool TryGetText(JsonElement value, out string text)
    {
        try
        {
            text = value.GetString() ?? string.Empty;
            return true;
        }
        catch (InvalidOperationException)
        {
            text = string.Empty;
            return false;
        }
    }

    private static string NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return UnreadableName;
        }
    }

    private static string KindOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "a list",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        _ => "a boolean",
    };
}
