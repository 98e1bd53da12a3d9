using System.Globalization;
using Spectre.Console;
using Spectre.Console.Rendering;
using UdpGateway.Cli.Dashboard;
using UdpGateway.Cli.LocalStack;

namespace UdpGateway.Cli.Terminal;

/// <summary>
/// What happens, kept up to date at the bottom of a terminal. Lines that are written to <see cref="Lines"/> meanwhile
/// scroll by above it.
/// </summary>
internal sealed class LiveView : IDisposable
{
    private const int ShownPeers = 5;
    private const int ShownDrops = 6;
    private const int MinimumWidthForKeys = 130;

    private const int Wide = 1_000;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly IAnsiConsole _console;
    private readonly PinnedText _pinned;

    public LiveView(TextWriter output)
    {
        _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        _pinned = new PinnedText(output, () => _console.Profile.Width);
    }

    /// <summary>For logs and everything else that is said while the view shows.</summary>
    public TextWriter Lines => _pinned;

    public void Dispose() => _pinned.Dispose();

    /// <summary>Until the task ends, however it does. A terminal that cannot move its cursor gets the lines only.</summary>
    public async Task ShowAsync(RunningStack stack, Task meanwhile)
    {
        if (!_console.Profile.Capabilities.Ansi)
            return;

        while (!meanwhile.IsCompleted)
        {
            _pinned.Show(Draw(stack));
            await Task.WhenAny(meanwhile, Task.Delay(Pause));
        }

        _pinned.Leave();
    }

    private List<PinnedLine> Draw(RunningStack stack)
    {
        var status = stack.Dashboard.Status();
        var room = TableRows.Share(_console.Profile.Height, status.Listeners.Count, status.Listeners.Sum(listener => listener.Destinations.Count), Math.Min(status.Peers.Count, ShownPeers));
        var tables = new List<IRenderable>
        {
            new Rule("[bold]udpgw[/]") { Justification = Justify.Left, Style = new Style(Color.Grey) },
            Listeners(status, room.Listeners),
            Destinations(status, room.Destinations),
        };
        if (room.Peers > 0)
            tables.Add(Peers(status, room.Peers));
        // A table in too little room would break its cells, so it is cut at the edge; of the dashboard's address nobody wants a part.
        var lines = Lay(new Rows(tables), Math.Max(1, _console.Profile.Width - 1));
        lines.AddRange(Lay(Facts(stack, status), Wide));
        return [.. lines.Take(Math.Max(1, _console.Profile.Height - 2))];
    }

    private List<PinnedLine> Lay(IRenderable part, int room)
    {
        using var text = new StringWriter();
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.Yes,
            ColorSystem = (ColorSystemSupport)_console.Profile.Capabilities.ColorSystem,
            Interactive = InteractionSupport.No,
            Out = new AnsiConsoleOutput(text),
        });
        console.Profile.Width = Wide;
        var lines = new List<PinnedLine>();
        foreach (var line in Segment.SplitLines(part.Render(RenderOptions.Create(console), Wide)))
        {
            var cut = Cut(line, room);
            console.Write(cut);
            lines.Add(new PinnedLine(text.ToString(), Segment.CellCount(cut.Segments)));
            text.GetStringBuilder().Clear();
        }

        return lines;
    }

    private static Line Cut(SegmentLine line, int room)
    {
        var segments = new List<Segment>();
        foreach (var segment in line)
        {
            var cells = segment.CellCount();
            segments.Add(cells <= room ? segment : new Segment(string.Concat(segment.Text.Take(room)), segment.Style));
            room -= cells;
            if (room <= 0)
                break;
        }

        // Cells are filled up to the width of their column; blanks at the end would only break in a narrower terminal.
        while (segments.Count > 0 && string.IsNullOrWhiteSpace(segments[^1].Text))
            segments.RemoveAt(segments.Count - 1);
        return new Line(segments);
    }

    private Table Listeners(StackStatus status, int rows)
    {
        var showsKeys = _console.Profile.Width >= MinimumWidthForKeys;
        var table = NewTable("Listener", "Endpoint", "Public key", ">In", ">Out", ">Peers", ">Dropped");
        foreach (var listener in Busiest(status.Listeners, rows, listener => listener.PacketsIn))
        {
            var dropped = listener.Drops.Sum(drop => drop.Count);
            table.AddRow(
                Cell(listener.LogicalId, Color.Blue),
                Cell($"{listener.Protocol} {listener.Endpoint}"),
                Cell(listener.PublicKey is not { } key ? "" : showsKeys ? key : Short(key)),
                Cell($"{Count(listener.PacketsIn)}  {Size(listener.BytesIn)}"),
                Cell($"{Count(listener.PacketsOut)}  {Size(listener.BytesOut)}"),
                Cell(listener.Protocol == "wg" ? Count(listener.Peers) : ""),
                Cell(Count(dropped), dropped > 0 ? Color.Red : null));
        }

        AddMore(table, status.Listeners.Count - rows);
        return table;
    }

    private static Table Destinations(StackStatus status, int rows)
    {
        var all = status.Listeners.SelectMany(listener => listener.Destinations).ToList();
        var table = NewTable("Destination", ">Batches", ">Packets", ">Passed by", ">Errors", ">Failed", ">Waiting");
        foreach (var destination in Busiest(all, rows, destination => destination.Batches))
        {
            table.AddRow(
                Cell(destination.Name),
                Cell(Count(destination.Batches)),
                Cell(Count(destination.Packets)),
                Cell(Count(destination.Skipped)),
                Cell(Count(destination.FunctionErrors), destination.FunctionErrors > 0 ? Color.Red : null),
                Cell(Count(destination.Failures), destination.Failures > 0 ? Color.Red : null),
                Cell(Count(destination.Queued)));
        }

        AddMore(table, all.Count - rows);
        return table;
    }

    private static Table Peers(StackStatus status, int rows)
    {
        var table = NewTable("Peer", "Kind", "From", ">Packets", ">Bytes", ">Replies", "Last seen");
        foreach (var peer in status.Peers.Take(rows))
        {
            table.AddRow(
                Cell(peer.Kind == "plain" ? peer.Name : Short(peer.Name)),
                Cell(peer.Kind, peer.Kind == "unknown" ? Color.Yellow : null),
                Cell(peer.Source),
                Cell(Count(peer.Packets)),
                Cell(Size(peer.Bytes)),
                Cell(Count(peer.Replies)),
                Cell(peer.LastSeen is { } seen ? seen.ToLocalTime().ToString("HH:mm:ss", CultureInfo.InvariantCulture) : "not yet"));
        }

        return table;
    }

    private static Grid Facts(RunningStack stack, StackStatus status)
    {
        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        if (status.MedianLatency is { } median)
            grid.AddRow(Cell("Latency", Color.Grey), Cell($"{Milliseconds(median)} median, {Milliseconds(status.HighLatency!.Value)} at 99 %"));
        var drops = status.Listeners.SelectMany(listener => listener.Drops).GroupBy(drop => drop.Reason, drop => drop.Count)
            .Select(group => (Reason: group.Key, Count: group.Sum())).OrderByDescending(drop => drop.Count).Take(ShownDrops).ToList();
        if (drops.Count > 0)
            grid.AddRow(Cell("Drops", Color.Grey), Cell(string.Join("  ", drops.Select(drop => $"{drop.Reason} {Count(drop.Count)}"))));
        grid.AddRow(Cell("Dashboard", Color.Grey), Cell(stack.Dashboard.Address.ToString()));
        grid.AddRow(Cell("Ctrl-C", Color.Grey), Cell("stops; the next `up` serves the same keys and ports"));
        return grid;
    }

    /// <summary>All in their order, or where there is no room for all those with the most traffic, in the same order.</summary>
    private static IEnumerable<T> Busiest<T>(IReadOnlyList<T> all, int rows, Func<T, long> traffic)
    {
        if (all.Count <= rows)
            return all;
        var chosen = all.OrderByDescending(traffic).Take(rows).ToHashSet();
        return all.Where(chosen.Contains);
    }

    private static void AddMore(Table table, int hidden)
    {
        if (hidden > 0)
            table.AddRow(Cell($"… {Count(hidden)} more", Color.Grey));
    }

    /// <param name="headings">A column whose heading begins with &gt; holds numbers.</param>
    private static Table NewTable(params string[] headings)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (var heading in headings)
        {
            var column = new TableColumn(Cell(heading.TrimStart('>'), Color.Grey)) { NoWrap = true };
            table.AddColumn(heading.StartsWith('>') ? column.RightAligned() : column);
        }

        return table;
    }

    // Text and never markup: names come from templates and packets.
    private static Text Cell(string text, Color? color = null) => new(text, new Style(color)) { Overflow = Overflow.Ellipsis };

    private static string Short(string key) => key.Length > 16 ? $"{key[..8]}…{key[^5..]}" : key;

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Milliseconds(double value) => value.ToString(value < 10 ? "0.00" : "0", CultureInfo.InvariantCulture) + " ms";

    private static string Size(long bytes) => bytes switch
    {
        < 1_000 => $"{bytes} B",
        < 1_000_000 => (bytes / 1e3).ToString("0.0", CultureInfo.InvariantCulture) + " kB",
        < 1_000_000_000 => (bytes / 1e6).ToString("0.0", CultureInfo.InvariantCulture) + " MB",
        _ => (bytes / 1e9).ToString("0.0", CultureInfo.InvariantCulture) + " GB",
    };

    private sealed class Line(List<Segment> segments) : Renderable
    {
        public IReadOnlyList<Segment> Segments => segments;

        protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => segments;
    }
}
