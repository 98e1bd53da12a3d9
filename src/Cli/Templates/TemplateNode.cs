using System.Diagnostics.CodeAnalysis;

namespace UdpGateway.Cli.Templates;

/// <summary>
/// A piece of a template that remembers its line. YAML in short and long form and JSON read to the same nodes: a short
/// form such as <c>!Ref X</c> is the map <c>{"Ref": "X"}</c>.
/// </summary>
internal abstract class TemplateNode(SourceLocation location)
{
    public SourceLocation Location { get; } = location;
}

internal enum ScalarKind
{
    String,
    Number,
    Boolean,
    Null,
}

/// <param name="text">As written, except that booleans are <c>true</c> and <c>false</c>.</param>
internal sealed class ScalarNode(SourceLocation location, string text, ScalarKind kind = ScalarKind.String) : TemplateNode(location)
{
    public string Text { get; } = text;

    public ScalarKind Kind { get; } = kind;

    /// <summary>The value stands for one that is only known elsewhere; nobody may judge its content.</summary>
    public bool IsPlaceholder { get; init; }

    /// <summary>The value is the empty default of a parameter, which asks for an override; conditions see the empty text.</summary>
    public bool IsEmptyDefault { get; init; }
}

internal sealed class ListNode(SourceLocation location, IReadOnlyList<TemplateNode> items) : TemplateNode(location)
{
    public IReadOnlyList<TemplateNode> Items { get; } = items;
}

internal readonly record struct MapEntry(string Key, SourceLocation KeyLocation, TemplateNode Value);

/// <summary>A map in the order of the template.</summary>
internal sealed class MapNode(SourceLocation location, IReadOnlyList<MapEntry> entries) : TemplateNode(location)
{
    public IReadOnlyList<MapEntry> Entries { get; } = entries;

    /// <summary>An include that could not be read belongs here, so a missing key proves nothing.</summary>
    public bool IsIncomplete { get; init; }

    public bool TryGet(string key, [NotNullWhen(true)] out TemplateNode? value)
    {
        foreach (var entry in Entries)
        {
            if (entry.Key == key)
            {
                value = entry.Value;
                return true;
            }
        }

        value = null;
        return false;
    }

    public TemplateNode? Find(string key) => TryGet(key, out var value) ? value : null;

    /// <summary>The text of a scalar entry, or null.</summary>
    public string? FindText(string key) => Find(key) is ScalarNode { Kind: not ScalarKind.Null } scalar ? scalar.Text : null;
}

/// <summary>What a function gives whose problem is already reported.</summary>
internal sealed class UnresolvedNode(SourceLocation location) : TemplateNode(location);
