namespace UdpGateway.Cli.Templates;

/// <summary>Where something is written.</summary>
/// <param name="File">As the user named it.</param>
/// <param name="Line">From 1; 0 when it concerns the file as a whole.</param>
internal readonly record struct SourceLocation(string File, int Line)
{
    public override string ToString() => Line > 0 ? $"{File}:{Line}" : File;
}
