namespace UdpGateway.Cli.LocalLambda;

/// <summary>A function cannot be run here for a reason that the user can remedy; the message says which one, for people.</summary>
public class LocalLambdaException(string message) : Exception(message);

/// <summary>An interpreter that several functions may need, so that the remedy is told once.</summary>
internal sealed class MissingProgramException(string program, string remedy) : LocalLambdaException($"'{program}' is not on PATH or does not run: {remedy}.")
{
    public string Program => program;

    public string Remedy => remedy;
}
