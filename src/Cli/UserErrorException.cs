namespace UdpGateway.Cli;

/// <summary>The user's input is wrong: the lines go to stderr, the exit code is 1, there is no stack trace.</summary>
internal sealed class UserErrorException(IReadOnlyList<string> lines) : Exception(string.Join('\n', lines))
{
    public UserErrorException(string sentence)
        : this([sentence])
    {
    }

    public IReadOnlyList<string> Lines { get; } = lines;
}
