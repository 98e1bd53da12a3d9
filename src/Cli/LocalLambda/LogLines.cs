using System.Buffers;
using System.Text;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>Reads what a process writes, line by line, for as long as it writes: a process never blocks on a full pipe.</summary>
internal static class LogLines
{
    // Longer lines are split, so that a process that never ends its line does not fill our memory.
    private const int MaximumLine = 64 * 1024;

    public static async Task ReadAsync(Stream output, Action<string> onLine, CancellationToken cancellationToken)
    {
        using var reader = new StreamReader(output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
        var line = new StringBuilder();
        var buffer = ArrayPool<char>.Shared.Rent(4096);
        try
        {
            while (await reader.ReadAsync(buffer.AsMemory(), cancellationToken) is > 0 and var count)
            {
                Split(buffer.AsSpan(0, count), line, onLine);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // The process is gone and one of its own children keeps the pipe open; what was read so far is all there will be.
            _ = exception;
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }

        if (line.Length > 0) onLine(line.ToString());
    }

    private static void Split(ReadOnlySpan<char> text, StringBuilder line, Action<string> onLine)
    {
        while (!text.IsEmpty)
        {
            var room = text[..Math.Min(text.Length, MaximumLine - line.Length)];
            var end = room.IndexOf('\n');
            line.Append(end < 0 ? room : room[..end]);
            text = text[(end < 0 ? room.Length : end + 1)..];
            if (end < 0 && line.Length < MaximumLine) continue;

            if (line.Length > 0 && line[^1] == '\r') line.Length--;
            onLine(line.ToString());
            line.Clear();
        }
    }
}
