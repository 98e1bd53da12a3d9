using System.Globalization;
using System.Text;
using Spectre.Console;
using Spectre.Console.Rendering;
using UdpGateway.Cli.Dashboard;
using UdpGateway.Cli.LocalStack;

namespace UdpGateway.Cli.Terminal;

/// <summary>
/// What happens, kept up to date at the bottom of a terminal. Lines that are written to <see cref="Lines"/> meanwhile
/// scroll by above it.
/// </summary>
internal sealed class LiveView
{
    private const int ShownPeers = 5;
    private const int ShownDrops = 6;
    private const int MinimumWidthForKeys = 130;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private readonly IAnsiConsole _console;

    public LiveView(TextWriter output)
    {
        _console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        Lines = TextWriter.Synchronized(new ConsoleLines(_console));
    }

    /// <summary>For logs and everything else that is said while the view shows.</summary>
    public TextWriter Lines { get; }

    /// <summary>Until the task ends, however it does. A terminal that cannot move its cursor gets the lines only.</summary>
    public async Task ShowAsync(RunningStack stack, Task meanwhile)
    {
        if (!_console.Profile.Capabilities.Ansi)
            return;

        await _console.Live(Draw(stack)).Overflow(VerticalOverflow.Crop).Cropping(VerticalOverflowCropping.Bottom).StartAsync(async live =>
        {
            while (!meanwhile.IsCompleted)
            {
                live.UpdateTarget(Draw(stack));
                await Task.WhenAny(meanwhile, Task.Delay(Pause));
            }
        });
    }

    private Rows Draw(RunningStack stack)
    {
        var status = stack.Dashboard.Status();
        var parts = new List<IRenderable>
        {
            new Rule("[bold]udpgw[/]") { Justification = Justify.Left, Style = new Style(Color.Grey) },
            Listeners(status),
            Destinations(status),
        };
        if (status.Peers.Count > 0)
            parts.Add(Peers(status));
        parts.Add(Facts(stack, status));
        return new Rows(parts);
    }

    private Table Listeners(StackStatus status)
    {
        var showsKeys = _console.Profile.Width >= MinimumWidthForKeys;
        var table = NewTable("Listener", "Endpoint", "Public key", ">In", ">Out", ">Peers", ">Dropped");
        foreach (var listener in status.Listeners)
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

        return table;
    }

    private static Table Destinations(StackStatus status)
    {
        var table = NewTable("Destination", ">Batches", ">Packets", ">Passed by", ">Errors", ">Failed", ">Waiting");
        foreach (var destination in status.Listeners.SelectMany(listener => listener.Destinations))
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

        return table;
    }

    private static Table Peers(StackStatus status)
    {
        var table = NewTable("Peer", "Kind", "From", ">Packets", ">Bytes", ">Replies", "Last seen");
        foreach (var peer in status.Peers.Take(ShownPeers))
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

    /// <summary>Whole lines for the console, which puts them above what it keeps at the bottom.</summary>
    private sealed class ConsoleLines(IAnsiConsole console) : TextWriter
    {
        private readonly StringBuilder _line = new();

        public override Encoding Encoding => Encoding.UTF8;

        public override void Write(char value)
        {
            if (value != '\n')
            {
                _line.Append(value);
                return;
            }

            console.WriteLine(_line.ToString().TrimEnd('\r'));
            _line.Clear();
        }
    }
}
