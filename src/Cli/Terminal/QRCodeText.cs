using System.Collections;
using System.Net;
using System.Text;
using QRCoder;
using UdpGateway.Cli.LocalStack;

namespace UdpGateway.Cli.Terminal;

/// <summary>A QR code for a terminal: two modules per character, black on white whatever the terminal's colours are.</summary>
internal static class QRCodeText
{
    private const string BlackOnWhite = "\e[38;5;16;48;5;231m";
    private const string Reset = "\e[0m";

    public static string Write(string text)
    {
        using var code = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.L);
        var modules = code.ModuleMatrix;
        var drawn = new StringBuilder();
        for (var row = 0; row < modules.Count; row += 2)
        {
            drawn.Append(BlackOnWhite);
            for (var column = 0; column < modules[row].Count; column++)
                drawn.Append((IsDark(modules, row, column), IsDark(modules, row + 1, column)) switch { (true, true) => '█', (true, false) => '▀', (false, true) => '▄', _ => ' ' });
            drawn.Append(Reset).Append('\n');
        }

        return drawn.ToString();
    }

    /// <summary>The code, or the sentence that says why there is none.</summary>
    /// <param name="configuration">Of the client; null without a WireGuard listener.</param>
    /// <param name="columns">Of the terminal; broken lines are no code.</param>
    public static string Explain(RunningStack stack, RunSettings settings, string? configuration, int columns)
    {
        if (configuration is null)
            return "--qr: the template has no WireGuard listener.";
        if (!stack.Listeners.Any(listener => listener.Record.WireGuardPublicKey is not null && listener.Record.Definition.AllowUnknownPeers))
            return "--qr: every WireGuard listener here knows its peers by name, and this client's key is none of theirs.";
        var code = Write(configuration);
        var needed = code.IndexOf(Reset, StringComparison.Ordinal) - BlackOnWhite.Length;
        if (needed > columns)
            return $"--qr: the code is {needed} columns wide, and this terminal has {columns}; start `up` in a wider one.";
        return IPAddress.IsLoopback(settings.ClientAddress)
            ? $"{code}A phone does not reach {settings.ClientAddress}: start `up` with --bind and this machine's address in your network."
            : code;
    }

    private static bool IsDark(List<BitArray> modules, int row, int column) => row < modules.Count && modules[row][column];
}
