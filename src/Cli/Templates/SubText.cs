namespace UdpGateway.Cli.Templates;

/// <summary>The text of <c>Fn::Sub</c>, cut into literal pieces and variables.</summary>
internal static class SubText
{
    /// <param name="IsVariable">Whether <paramref name="Text"/> is the name within <c>${…}</c>.</param>
    internal readonly record struct Piece(string Text, bool IsVariable);

    public static IReadOnlyList<Piece> Parse(string text)
    {
        var pieces = new List<Piece>();
        var position = 0;
        while (position < text.Length)
        {
            var start = text.IndexOf("${", position, StringComparison.Ordinal);
            var end = start < 0 ? -1 : text.IndexOf('}', start);
            if (end < 0)
            {
                pieces.Add(new Piece(text[position..], false));
                break;
            }

            if (start > position)
                pieces.Add(new Piece(text[position..start], false));
            var name = text[(start + 2)..end];
            pieces.Add(name.StartsWith('!')
                ? new Piece($"${{{name[1..]}}}", false)
                : new Piece(name.Trim(), true));
            position = end + 1;
        }

        return pieces;
    }
}
