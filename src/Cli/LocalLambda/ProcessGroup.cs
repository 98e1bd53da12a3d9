using System.Runtime.InteropServices;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>
/// A function's process leads a group of its own where it can, so that whatever it started ends with it even when the process itself
/// is gone already, and Ctrl-C in the terminal does not reach it. Does nothing on Windows.
/// </summary>
internal static class ProcessGroup
{
    private const int SigKill = 9;

    /// <summary>Makes this process the leader of a new session and group.</summary>
    public static void Lead()
    {
        // Fails only for a process that leads its group already, which is as good.
        if (!OperatingSystem.IsWindows()) _ = SetSid();
    }

    /// <summary>Ends the group of this process, and so this process.</summary>
    public static void KillOwn()
    {
        if (!OperatingSystem.IsWindows()) _ = SendSignal(0, SigKill);
        Environment.Exit(1);
    }

    /// <summary>Ends what remains of the group that the given process leads or led; without such a group nothing happens.</summary>
    public static void Kill(int leader)
    {
        if (!OperatingSystem.IsWindows()) _ = SendSignal(-leader, SigKill);
    }

    [DllImport("libc", EntryPoint = "setsid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetSid();

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SendSignal(int processId, int signal);
}
