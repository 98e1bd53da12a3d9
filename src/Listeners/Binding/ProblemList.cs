namespace UdpGateway.Listeners;

/// <summary>Problems and warnings as binding and validation find them.</summary>
internal sealed class ProblemList
{
    private readonly List<PropertyProblem> _problems = [];
    private readonly List<PropertyProblem> _warnings = [];

    public IReadOnlyList<PropertyProblem> Problems => _problems;

    public IReadOnlyList<PropertyProblem> Warnings => _warnings;

    public void Problem(string path, string? given, string sentence, string code) => Add(_problems, new PropertyProblem(path, given, sentence, code));

    public void Warning(string path, string? given, string sentence, string code) => Add(_warnings, new PropertyProblem(path, given, sentence, code));

    // A property that several kinds of destination read is found wrong by each.
    private static void Add(List<PropertyProblem> list, PropertyProblem found)
    {
        if (!list.Contains(found))
            list.Add(found);
    }
}
