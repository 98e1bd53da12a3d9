namespace UdpGateway.Listeners;

/// <summary>Problems and warnings as binding and validation find them.</summary>
internal sealed class ProblemList
{
    private readonly List<PropertyProblem> _problems = [];
    private readonly List<PropertyProblem> _warnings = [];

    public IReadOnlyList<PropertyProblem> Problems => _problems;

    public IReadOnlyList<PropertyProblem> Warnings => _warnings;

    public void Problem(string path, string? given, string sentence, string code) => _problems.Add(new PropertyProblem(path, given, sentence, code));

    public void Warning(string path, string? given, string sentence, string code) => _warnings.Add(new PropertyProblem(path, given, sentence, code));
}
