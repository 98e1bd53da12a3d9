using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace UdpGateway.Cli.Templates;

/// <summary>The functions that only compute: texts, lists, blocks of addresses.</summary>
internal sealed partial class TemplateEvaluator
{
    private static readonly JsonSerializerOptions Unescaped = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private TemplateNode Join(TemplateNode argument, SourceLocation location, string path)
    {
        if (argument is not ListNode { Items: [ScalarNode delimiter, var list] })
            return problems.Unresolved(location, path, "Fn::Join takes a delimiter and a list.");
        return Evaluate(list, path) switch
        {
            ListNode values when values.Items.OfType<UnresolvedNode>().FirstOrDefault() is { } unresolved => unresolved,
            ListNode values when values.Items.All(item => item is ScalarNode) => JoinTexts(delimiter.Text, values, location, path),
            UnresolvedNode unresolved => unresolved,
            ScalarNode { IsPlaceholder: true } placeholder => placeholder,
            _ => problems.Unresolved(location, path, "The second argument of Fn::Join must be a list of texts."),
        };
    }

    private TemplateNode JoinTexts(string delimiter, ListNode values, SourceLocation location, string path)
    {
        var length = values.Items.Sum(item => (long)((ScalarNode)item).Text.Length + delimiter.Length);
        return length > MaxTextLength
            ? TooLong("Fn::Join", location, path)
            : new ScalarNode(location, string.Join(delimiter, values.Items.Select(item => ((ScalarNode)item).Text))) { IsPlaceholder = IsPlaceholder(values) };
    }

    private TemplateNode Select(TemplateNode argument, SourceLocation location, string path)
    {
        if (argument is not ListNode { Items: [var indexArgument, var list] })
            return problems.Unresolved(location, path, "Fn::Select takes an index and a list.");
        if (!TryText(indexArgument, path, out var index, out var failure))
            return failure ?? problems.Unresolved(location, path, "The index of Fn::Select must be a number.");
        if (!int.TryParse(index.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var position))
            return problems.Unresolved(location, path, $"The index of Fn::Select is '{index.Text}'; it must be 0 or more.");
        switch (Evaluate(list, path))
        {
            case ListNode values when position < values.Items.Count:
                return Moved(values.Items[position], location);
            case ListNode values when IsPlaceholder(values) || index.IsPlaceholder:
                return new ScalarNode(location, $"placeholder-{position}") { IsPlaceholder = true };
            case ListNode values:
                return problems.Unresolved(location, path, $"Fn::Select asks for element {position}, and the list has {values.Items.Count} (the first is 0).");
            case ScalarNode { IsPlaceholder: true } placeholder:
                return placeholder;
            case UnresolvedNode unresolved:
                return unresolved;
            default:
                return problems.Unresolved(location, path, "The second argument of Fn::Select must be a list.");
        }
    }

    private TemplateNode Split(TemplateNode argument, SourceLocation location, string path)
    {
        if (argument is not ListNode { Items: [ScalarNode delimiter, var textArgument] } || delimiter.Text.Length == 0)
            return problems.Unresolved(location, path, "Fn::Split takes a delimiter and a text.");
        if (!TryText(textArgument, path, out var text, out var failure))
            return failure ?? problems.Unresolved(location, path, "The second argument of Fn::Split must be a text.");
        return new ListNode(location, [.. text.Text.Split(delimiter.Text).Select(part => new ScalarNode(location, part) { IsPlaceholder = text.IsPlaceholder })]);
    }

    private TemplateNode Base64(TemplateNode argument, SourceLocation location, string path) =>
        TryText(argument, path, out var text, out var failure)
            ? new ScalarNode(location, Convert.ToBase64String(Encoding.UTF8.GetBytes(text.Text))) { IsPlaceholder = text.IsPlaceholder }
            : failure ?? problems.Unresolved(location, path, "Fn::Base64 takes a text.");

    private TemplateNode Cidr(TemplateNode argument, SourceLocation location, string path)
    {
        if (argument is not ListNode { Items: { Count: 2 or 3 } arguments })
            return problems.Unresolved(location, path, "Fn::Cidr takes a block, a count and the host bits.");
        if (!TryText(arguments[0], path, out var block, out var failure)
            || !TryText(arguments[1], path, out var count, out failure)
            || !TryText(arguments.Count == 3 ? arguments[2] : new ScalarNode(location, "8"), path, out var bits, out failure))
        {
            return failure ?? problems.Unresolved(location, path, "The arguments of Fn::Cidr must be a block and two numbers.");
        }

        if (block.IsPlaceholder || count.IsPlaceholder || bits.IsPlaceholder)
            return new ListNode(location, [new ScalarNode(location, "10.0.0.0/24") { IsPlaceholder = true }]);
        return CidrBlocks.Split(block.Text, count.Text, bits.Text, out var problem) is { } blocks
            ? new ListNode(location, [.. blocks.Select(text => new ScalarNode(location, text))])
            : problems.Unresolved(location, path, $"Fn::Cidr: {problem}");
    }

    private TemplateNode GetAvailabilityZones(TemplateNode argument, SourceLocation location, string path)
    {
        if (argument is ScalarNode { Kind: ScalarKind.Null })
            argument = new ScalarNode(location, "");
        if (!TryText(argument, path, out var region, out var failure))
            return failure ?? problems.Unresolved(location, path, "Fn::GetAZs takes a region.");
        var name = region.Text.Length == 0 ? settings.Region : region.Text;
        return new ListNode(location, [.. "abc".Select(zone => new ScalarNode(location, name + zone))]);
    }

    private TemplateNode ToJsonString(TemplateNode argument, SourceLocation location, string path)
    {
        RequireLanguageExtensions("Fn::ToJsonString", location, path);
        var value = Evaluate(argument, path);
        if (value is not (MapNode or ListNode))
            return value as UnresolvedNode ?? problems.Unresolved(location, path, "Fn::ToJsonString takes a map or a list.");
        return FindUnresolved(value) ?? (TemplateNode)new ScalarNode(location, CloudFormationJson.ToTypedJson(value)!.ToJsonString(Unescaped)) { IsPlaceholder = IsPlaceholder(value) };
    }

    private TemplateNode Length(TemplateNode argument, SourceLocation location, string path)
    {
        RequireLanguageExtensions("Fn::Length", location, path);
        return Evaluate(argument, path) switch
        {
            ListNode list => new ScalarNode(location, list.Items.Count.ToString(CultureInfo.InvariantCulture), ScalarKind.Number) { IsPlaceholder = IsPlaceholder(list) },
            UnresolvedNode unresolved => unresolved,
            ScalarNode { IsPlaceholder: true } => new ScalarNode(location, "1", ScalarKind.Number) { IsPlaceholder = true },
            _ => problems.Unresolved(location, path, "Fn::Length takes a list."),
        };
    }

    /// <summary>Whether any part of the value is a placeholder.</summary>
    internal static bool IsPlaceholder(TemplateNode node) => node switch
    {
        ScalarNode scalar => scalar.IsPlaceholder,
        ListNode list => list.Items.Any(IsPlaceholder),
        MapNode map => map.IsIncomplete || map.Entries.Any(entry => IsPlaceholder(entry.Value)),
        _ => false,
    };

    /// <summary>The first part whose problem is already reported, if any.</summary>
    internal static UnresolvedNode? FindUnresolved(TemplateNode node) => node switch
    {
        UnresolvedNode unresolved => unresolved,
        ListNode list => list.Items.Select(FindUnresolved).FirstOrDefault(found => found is not null),
        MapNode map => map.Entries.Select(entry => FindUnresolved(entry.Value)).FirstOrDefault(found => found is not null),
        _ => null,
    };

    /// <param name="failure">The unresolved argument, whose problem is reported; null when the argument is of another kind.</param>
    private bool TryText(TemplateNode argument, string path, [NotNullWhen(true)] out ScalarNode? text, out UnresolvedNode? failure)
    {
        var value = Evaluate(argument, path);
        text = value is ScalarNode { Kind: not ScalarKind.Null } scalar ? scalar : null;
        failure = value as UnresolvedNode;
        return text is not null;
    }
}
