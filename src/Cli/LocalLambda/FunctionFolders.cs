using System.Security.Cryptography;
using System.Text;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>Where in the state directory the files of functions are; nothing is ever written beside the user's sources.</summary>
internal static class FunctionFolders
{
    public static string InlineCode(string stateDirectory, LocalFunction function) => Path.Combine(Root(stateDirectory, function), "code");

    public static string Scratch(string stateDirectory, LocalFunction function) => Path.Combine(Root(stateDirectory, function), "scratch");

    /// <summary>A file: what the OnFailure destination of the function would have got.</summary>
    public static string FailedEvents(string stateDirectory, LocalFunction function) => Path.Combine(stateDirectory, "failed-events", $"{function.LogicalId}.ndjson");

    public static string Runtimes(string stateDirectory) => Path.Combine(stateDirectory, "runtimes");

    /// <summary>One folder per project, wherever it is, so that functions that share a project share its build.</summary>
    public static string Build(string stateDirectory, string projectFile)
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(projectFile)).AsSpan(0, 4));
        return Path.Combine(stateDirectory, "builds", $"{Path.GetFileNameWithoutExtension(projectFile)}-{hash}");
    }

    private static string Root(string stateDirectory, LocalFunction function)
    {
        if (function.LogicalId.Length == 0 || !function.LogicalId.All(char.IsAsciiLetterOrDigit))
            throw new LocalLambdaException($"Function '{function.LogicalId}': a logical ID consists of letters and digits.");
        return Path.Combine(stateDirectory, "functions", function.LogicalId);
    }
}
