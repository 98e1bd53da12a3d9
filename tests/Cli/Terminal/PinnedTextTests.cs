using UdpGateway.Cli.Terminal;

namespace UdpGateway.Cli.Tests.Terminal;

public sealed class PinnedTextTests : IDisposable
{
    private readonly StringWriter _terminal = new();
    private int _width = 40;

    public void Dispose() => _terminal.Dispose();

    [Fact]
    public void Erases_what_stands_there_before_a_line_scrolls_by()
    {
        using var pinned = new PinnedText(_terminal, () => _width);

        pinned.Show([new("first", 5), new("second", 6)]);
        pinned.WriteLine("a line");

        Assert.EndsWith("\r\e[1A\e[Ja line\nfirst\nsecond\e[?2026l", _terminal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Counts_the_rows_that_a_narrower_terminal_has_broken()
    {
        using var pinned = new PinnedText(_terminal, () => _width);
        pinned.Show([new(new string('x', 39), 39), new("y", 1)]);

        _width = 10;
        pinned.Show([new("x", 1)]);

        // 39 cells are four rows of ten, and the cursor stands in the fifth.
        Assert.EndsWith("\r\e[4A\e[Jx\e[?2026l", _terminal.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Writes_nothing_when_nothing_has_changed()
    {
        using var pinned = new PinnedText(_terminal, () => _width);
        pinned.Show([new("same", 4)]);
        var before = _terminal.ToString();

        pinned.Show([new("same", 4)]);

        Assert.Equal(before, _terminal.ToString());
    }

    [Fact]
    public void Lets_nothing_in_a_line_steer_the_terminal()
    {
        using var pinned = new PinnedText(_terminal, () => _width);

        pinned.WriteLine("\e[2J\e]0;owned\a\u009b2J tab\tstays");

        pinned.WriteLine("\e[1;31mred\e[0m\r");

        Assert.Equal("\uFFFD[2J\uFFFD]0;owned\uFFFD\uFFFD2J tab\tstays\nred\n", _terminal.ToString());
    }

    [Fact]
    public void Writes_below_it_once_it_is_left()
    {
        using var pinned = new PinnedText(_terminal, () => _width);
        pinned.Show([new("view", 4)]);

        pinned.Leave();
        pinned.WriteLine("Stopping.");

        Assert.EndsWith("view\e[?2026l\nStopping.\n", _terminal.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(50, 2, 2, 5, 2, 2, 5)]
    [InlineData(24, 2, 2, 5, 2, 2, 2)]
    [InlineData(24, 30, 30, 5, 2, 2, 2)]
    [InlineData(60, 30, 30, 5, 15, 10, 5)]
    [InlineData(10, 30, 30, 5, 1, 1, 1)]
    public void Gives_the_tables_two_thirds_of_the_terminal(int height, int listeners, int destinations, int peers, int shownListeners, int shownDestinations, int shownPeers) =>
        Assert.Equal(new TableRows(shownListeners, shownDestinations, shownPeers), TableRows.Share(height, listeners, destinations, peers));
}
