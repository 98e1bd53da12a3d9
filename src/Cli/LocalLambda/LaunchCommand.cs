namespace UdpGateway.Cli.LocalLambda;

/// <summary>How to start an execution environment of a function: a program that speaks Lambda's Runtime API.</summary>
/// <remarks>
/// The program must end when its standard input ends: that is how nothing survives when this process is killed. The runtime clients
/// here do so by themselves; <see cref="EndingWithStandardInput"/> adds it to any other program.
/// </remarks>
internal sealed record LaunchCommand(string FileName, IReadOnlyList<string> Arguments, string TaskRoot, string ExecutionEnvironmentName)
{
    // The watcher blocks in `read` until the pipe ends. SIGINT is ignored, because Ctrl-C reaches the whole foreground group while the
    // gateway still drains. $3 is standard input: the shell gives background jobs /dev/null otherwise.
    private const string WatchScript =
        """
        trap '' INT
        exec 3<&0
        "$@" </dev/null 3<&- &
        child=$!
        ( read -r _ <&3; kill -KILL "$child" ) >/dev/null 2>&1 &
        watcher=$!
        exec 3<&-
        wait "$child"
        status=$?
        kill -KILL "$watcher" 2>/dev/null
        exit "$status"
        """;

    /// <summary>Variables that the runtime needs besides Lambda's.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The folders whose files decide what the program does; empty for inline code.</summary>
    public IReadOnlyList<string> SourceDirectories { get; init; } = [];

    /// <summary>The same command under a shell that kills it when standard input ends. Windows has no such shell and gets the plain command.</summary>
    public LaunchCommand EndingWithStandardInput() =>
        OperatingSystem.IsWindows() ? this : this with { FileName = "/bin/sh", Arguments = ["-c", WatchScript, "sh", FileName, .. Arguments] };
}
