using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.Provider.Tests.Fleets;

/// <summary>A program in a client's network namespace that sends numbered datagrams, ten a second, to somebody who sends them back.</summary>
internal sealed class EchoClient : IDisposable
{
    // Its clock is that of Stopwatch.
    private const string Program = """
        import itertools, socket, sys, threading, time

        def note(event, number):
            sys.stdout.write(f"{event} {number} {time.monotonic_ns()}\n")
            sys.stdout.flush()

        def receive():
            while True:
                note("answered", int(echo.recv(64)))

        echo = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        echo.connect((sys.argv[1], int(sys.argv[2])))
        threading.Thread(target=receive, daemon=True).start()
        for number in itertools.count():
            note("sent", number)
            echo.send(str(number).encode())
            time.sleep(0.1)
        """;

    private readonly Process _process;
    private readonly ConcurrentDictionary<int, TimeSpan> _sent = new();
    private readonly ConcurrentDictionary<int, TimeSpan> _answered = new();
    private readonly ConcurrentQueue<string> _errors = new();

    public EchoClient(ClientNamespace client, string address, int port)
    {
        var start = new ProcessStartInfo("ip", ["netns", "exec", client.Name, "python3", "-c", Program, address, port.ToString(CultureInfo.InvariantCulture)])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => _errors.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The time by the clock of the other times here.</summary>
    public static TimeSpan Now => Stopwatch.GetElapsedTime(0);

    /// <summary>When what was sent in that time was sent, in order.</summary>
    public IReadOnlyList<TimeSpan> Sent(TimeSpan from, TimeSpan to) => [.. _sent.Values.Where(at => at >= from && at < to).Order()];

    /// <summary>Of these, what was not answered.</summary>
    public IReadOnlyList<TimeSpan> Lost(TimeSpan from, TimeSpan to) => [.. Sent(from, to).Except(_sent.Where(sent => _answered.ContainsKey(sent.Key)).Select(sent => sent.Value))];

    /// <summary>Until some that were sent from now on came back.</summary>
    /// <returns>A time before which nothing is under way any more.</returns>
    public async Task<TimeSpan> GoesOnAsync()
    {
        var now = Now;
        await Eventually.TrueAsync(() => _process.HasExited || _sent.Count(sent => sent.Value >= now && _answered.ContainsKey(sent.Key)) >= 5, TimeSpan.FromMinutes(1));
        Assert.False(_process.HasExited, string.Join('\n', _errors));
        return now;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private void Note(string? line)
    {
        if (line is null)
            return;
        var words = line.Split(' ');
        var number = int.Parse(words[1], CultureInfo.InvariantCulture);
        var at = TimeSpan.FromMicroseconds(long.Parse(words[2], CultureInfo.InvariantCulture) / 1_000);
        (words[0] == "sent" ? _sent : _answered)[number] = at;
    }
}
