using System.Diagnostics;

namespace UdpGateway.Provider.TestHost;

/// <summary>The ways in which a process ends without a word, or does not end.</summary>
internal static class Faults
{
    public static void AtInit(string? fault)
    {
        switch (fault)
        {
            case "kill":
                Kill();
                break;
            case "throw":
                throw new InvalidDataException("inner detail of the init");
            case "hang":
                Thread.Sleep(Timeout.Infinite);
                break;
        }
    }

    /// <summary>Like the kernel when memory runs out: no handler, no finally, no exit code of ours.</summary>
    public static void Kill()
    {
        using var self = Process.GetCurrentProcess();
        self.Kill();
        Thread.Sleep(Timeout.Infinite);
    }
}
