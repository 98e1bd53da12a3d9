using System.Text;

namespace UdpGateway.Cli.Templates;

/// <summary>
/// Turns a template for the hosted service into one for this provider by changing single places of its text: where the
/// configuration document is, tokens that are written out, and the suffix that only the hosted service's domains need.
/// </summary>
internal sealed class TemplateImport
{
    private const string Mapping = "ProxylityConfig";

    /// <summary>What templates append to the <c>Domain</c> of a listener, which the hosted service gives without it.</summary>
    public const string Suffix = ".proxylity.com";

    private readonly string _text;
    private readonly string _file;
    private readonly string _location;
    private readonly bool _isJson;
    private readonly List<(int Start, int End, string Replacement)> _edits = [];
    private readonly List<string> _changes = [];
    private bool _needsMapping;

    private TemplateImport(string text, string file, string location)
    {
        _text = text;
        _file = file;
        _location = location;
        _isJson = text.AsSpan().TrimStart().StartsWith("{");
    }

    /// <param name="text">A template that was read without a problem.</param>
    /// <param name="file">For the lines that say what was changed.</param>
    /// <param name="location">Where the provider publishes the configuration document; may hold <c>${AWS::…}</c>.</param>
    public static (string Text, IReadOnlyList<string> Changes) Rewrite(string text, string file, string location)
    {
        var import = new TemplateImport(text, file, location);
        var root = SourceNode.Parse(text);
        foreach (var entry in root.Find("Resources")?.Entries ?? [])
            import.ImportResource(entry.Key.Text!, entry.Value);
        import.ImportMapping(root);
        import.RemoveSuffixes(root, "");
        return (import.Apply(), import._changes);
    }

    private void ImportMapping(SourceNode root)
    {
        var mappings = root.Find("Mappings");
        var mapping = mappings?.Find(Mapping);
        if (mapping is null)
        {
            if (_needsMapping)
                InsertMapping(root, mappings);
            return;
        }

        if (mapping.ArgumentOf("Transform") is not { } transform)
        {
            Replace(mapping, Include, $"Mappings.{Mapping}", $"taken from {_location} instead of the values that were written here");
            return;
        }

        if (transform.Find("Parameters")?.Find("Location") is not { } argument)
            return;
        var text = argument.ArgumentOf("Sub");
        if (text?.Text == _location)
            return;
        var isLongForm = text is { Text: not null } && text != argument;
        Replace(isLongForm ? text! : argument, isLongForm ? Quoted(_location) : Call("Sub", Quoted(_location)), $"Mappings.{Mapping}", $"taken from {_location} instead of {(text ?? argument).Text ?? "the hosted service's bucket"}");
    }

    private void ImportResource(string logicalId, SourceNode resource)
    {
        var properties = resource.Find("Properties");
        if (properties is null)
            return;
        var type = resource.Find("Type")?.Text;
        if (type is not null && new TemplateResource("", type, default, new MapNode(default, [])).IsUdpGatewayResource)
        {
            ImportToken(logicalId, properties, "ServiceToken", Region);
            ImportToken(logicalId, properties, "ApiKey", Quoted("Account"));
        }
        else if (type == "AWS::IAM::Role" && properties.Find("AssumeRolePolicyDocument")?.Find("Statement") is { } statements)
        {
            foreach (var statement in statements.Items.Append(statements))
                ImportPrincipal(logicalId, statement.Find("Principal")?.Find("AWS"));
        }
    }

    private void ImportToken(string logicalId, SourceNode properties, string name, string topLevelKey)
    {
        if (properties.Find(name) is not { } value || value.ArgumentOf("FindInMap") is { Items: [{ Text: Mapping }, ..] })
            return;
        var path = $"Resources.{logicalId}.Properties.{name}";
        if (value.Text is null || value.Tag is not null)
        {
            _changes.Add($"{_file}:{value.Line}: {path}: left as it is; make sure that it gives this provider's {name}.");
            return;
        }

        _needsMapping = true;
        Replace(value, Lookup(topLevelKey, name), path, "looked up in the configuration document instead of the value that was written here");
    }

    /// <summary>The hosted service's own role, written out.</summary>
    private void ImportPrincipal(string logicalId, SourceNode? principal)
    {
        if (principal is not { Text: { } text, Tag: null } || !text.Contains("proxylity", StringComparison.OrdinalIgnoreCase))
            return;
        _needsMapping = true;
        Replace(principal, Lookup(Region, "ServiceRole"), $"Resources.{logicalId}.Properties.AssumeRolePolicyDocument", $"trusts this provider's ServiceRole instead of {text}");
    }

    /// <summary>Behind the domain of a listener, which is the full name here.</summary>
    private void RemoveSuffixes(SourceNode node, string path)
    {
        foreach (var entry in node.Entries)
        {
            if (entry.Key.Text != "Description")
                RemoveSuffixes(entry.Value, path.Length == 0 ? entry.Key.Text! : $"{path}.{entry.Key.Text}");
        }

        foreach (var item in node.Items)
            RemoveSuffixes(item, path);
        if (node.Text is null || !node.Text.Contains(Suffix, StringComparison.Ordinal))
            return;
        for (var index = _text.IndexOf(Suffix, node.Start, node.End - node.Start, StringComparison.Ordinal); index >= 0; index = _text.IndexOf(Suffix, index + 1, node.End - index - 1, StringComparison.Ordinal))
        {
            var isBehindVariable = index > node.Start && _text[index - 1] == '}';
            var isWholeStart = node.Text.StartsWith(Suffix, StringComparison.Ordinal) && index - node.Start <= 1;
            if (!isBehindVariable && !isWholeStart)
                continue;
            // A plain scalar must not become nothing, nor begin with what means something else.
            var isPlain = isWholeStart && index == node.Start;
            if (isPlain)
                _edits.Add((node.Start, node.End, Quoted(node.Text[Suffix.Length..])));
            else
                _edits.Add((index, index + Suffix.Length, ""));
            _changes.Add($"{_file}:{LineOf(index)}: {path}: without {Suffix}; Domain is the full name here.");
            if (isPlain)
                return;
        }
    }

    private void InsertMapping(SourceNode root, SourceNode? mappings)
    {
        _changes.Add($"{_file}: Mappings.{Mapping}: added; it is taken from {_location}.");
        if (mappings is { Entries: [var first, ..] })
        {
            InsertEntry(first.Key.Start, isFlow: _text[mappings.Start] == '{', $"{Quoted(Mapping)}: {Include}");
            return;
        }

        if (mappings is not null)
        {
            _edits.Add((mappings.Start, mappings.End, $"{{{Quoted(Mapping)}: {Include}}}"));
            return;
        }

        var resources = root.Entries.First(entry => entry.Key.Text == "Resources");
        InsertEntry(resources.Key.Start, isFlow: _text[root.Start] == '{', $"{Quoted("Mappings")}: {{{Quoted(Mapping)}: {Include}}}");
    }

    private void InsertEntry(int position, bool isFlow, string entry)
    {
        var lineStart = _text.LastIndexOf('\n', Math.Max(position - 1, 0)) + 1;
        var before = _text[lineStart..position];
        var newLine = before.AsSpan().Trim().IsEmpty ? (_text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n") + before : " ";
        _edits.Add((position, position, entry + (isFlow ? "," : "") + newLine));
    }

    private void Replace(SourceNode node, string replacement, string path, string sentence)
    {
        _edits.Add((node.Start, node.End, replacement));
        _changes.Add($"{_file}:{node.Line}: {path}: {sentence}.");
    }

    private string Apply()
    {
        var result = new StringBuilder();
        var position = 0;
        foreach (var (start, end, replacement) in _edits.OrderBy(edit => edit.Start))
        {
            // Within what another edit has replaced as a whole.
            if (start < position)
                continue;
            result.Append(_text, position, start - position).Append(replacement);
            position = end;
        }

        return result.Append(_text, position, _text.Length - position).ToString();
    }

    private int LineOf(int index) => _text.AsSpan(0, index).Count('\n') + 1;

    private string Region => _isJson ? """{ "Ref": "AWS::Region" }""" : "!Ref \"AWS::Region\"";

    private string Include => $"{{ {Quoted("Fn::Transform")}: {{ {Quoted("Name")}: {Quoted("AWS::Include")}, {Quoted("Parameters")}: {{ {Quoted("Location")}: {Call("Sub", Quoted(_location))} }} }} }}";

    private string Lookup(string topLevelKey, string name) => Call("FindInMap", $"[{Quoted(Mapping)}, {topLevelKey}, {Quoted(name)}]");

    private string Call(string function, string argument) => _isJson ? $$"""{ "Fn::{{function}}": {{argument}} }""" : $"!{function} {argument}";

    private static string Quoted(string text) => $"\"{text}\"";
}
