using System.Text;
using System.Text.RegularExpressions;

namespace UdpGateway.Cli.Terminal;

/// <summary>One line of a text that is shown: what is written, and how many cells of the terminal it takes.</summary>
internal sealed record PinnedLine(string Text, int Cells);

/// <summary>
/// Keeps a text at the bottom of a terminal, while what is written meanwhile scrolls by above it. The text must be lower than the
/// terminal: nothing can be erased that has left it at the top.
/// </summary>
/// <param name="width">Of the terminal, now: somebody may make it narrower, which breaks lines that stand there already.</param>
internal sealed partial class PinnedText(TextWriter output, Func<int> width) : TextWriter
{
    private const string EraseBelow = "\e[J";

    // What stands between these appears in one step, in terminals that know them.
    private const string Begin = "\e[?2026h";
    private const string End = "\e[?2026l";

    private readonly Lock _gate = new();
    private readonly StringBuilder _unfinished = new();
    private IReadOnlyList<PinnedLine> _shown = [];

    public override Encoding Encoding => Encoding.UTF8;

    public void Show(IReadOnlyList<PinnedLine> lines)
    {
        lock (_gate)
        {
            if (!lines.SequenceEqual(_shown))
                Redraw("", lines);
        }
    }

    /// <summary>The text stays where it is, and what follows is written below it.</summary>
    public void Leave()
    {
        lock (_gate)
        {
            if (_shown.Count > 0)
                output.Write('\n');
            _shown = [];
        }
    }

    public override void Write(char value)
    {
        lock (_gate)
        {
            if (value != '\n')
            {
                _unfinished.Append(value);
                return;
            }

            // The terminal itself breaks long lines, so that what is copied from it has no breaks.
            Redraw($"{Harmless(_unfinished.ToString())}\n", _shown);
            _unfinished.Clear();
        }
    }

    public override void Write(string? value)
    {
        lock (_gate)
        {
            var text = value.AsSpan();
            for (var end = text.IndexOf('\n'); end >= 0; end = text.IndexOf('\n'))
            {
                _unfinished.Append(text[..end]);
                Write('\n');
                text = text[(end + 1)..];
            }

            _unfinished.Append(text);
        }
    }

    public override void WriteLine(string? value) => Write(value + "\n");

    private void Redraw(string lines, IReadOnlyList<PinnedLine> pinned)
    {
        // A terminal that cannot keep anything in its place is never asked to, and gets plain lines.
        output.Write(_shown.Count + pinned.Count == 0 ? lines : $"{Begin}{Erase()}{lines}{string.Join('\n', pinned.Select(line => line.Text))}{End}");
        output.Flush();
        _shown = pinned;
    }

    private string Erase()
    {
        if (_shown.Count == 0)
            return "";
        var columns = Math.Max(1, width());
        var above = _shown.Sum(line => Math.Max(1, (line.Cells + columns - 1) / columns)) - 1;
        return above == 0 ? $"\r{EraseBelow}" : $"\r\e[{above}A{EraseBelow}";
    }

    /// <summary>Packets and functions decide what stands in a line; none of it may steer the terminal. Colours are left away.</summary>
    private static string Harmless(string line) =>
        string.Concat(Colour().Replace(line.TrimEnd('\r'), "").Select(character => char.IsControl(character) && character != '\t' ? '\uFFFD' : character));

    [GeneratedRegex(@"\e\[[0-9;]*m", RegexOptions.None, 1000)]
    private static partial Regex Colour();
}
