namespace UdpGateway.Cli.Templates;

/// <summary>One mistake of the user, or one thing that was assumed, as a sentence.</summary>
/// <param name="Path">Property path such as <c>Resources.Listener.Properties.Protocols</c>.</param>
internal sealed record TemplateProblem(SourceLocation? Location, string? Path, string Sentence)
{
    public override string ToString() =>
        string.Join(": ", new[] { Location?.ToString(), Path, Sentence }.Where(part => !string.IsNullOrEmpty(part)));

    /// <summary>A note for people: one that names what it is about, such as a parameter, needs no place.</summary>
    public string ToNote() => Path is null ? Sentence : ToString();
}

/// <summary>Collects problems, so that all of them are reported at once, and notes about what was assumed.</summary>
internal sealed class ProblemList
{
    /// <summary>More than anybody reads; without a limit a small file could ask for hours of work.</summary>
    private const int MaxProblems = 1_000;

    private readonly List<TemplateProblem> _problems = [];
    private readonly List<TemplateProblem> _notes = [];
    private readonly HashSet<TemplateProblem> _known = [];

    public IReadOnlyList<TemplateProblem> Problems => _problems;

    public IReadOnlyList<TemplateProblem> Notes => _notes;

    /// <summary>Nothing that is found from now on is reported, so nothing more needs to be looked at.</summary>
    public bool IsFull => _problems.Count >= MaxProblems;

    public void Report(SourceLocation? location, string? path, string sentence)
    {
        if (IsFull)
            return;
        var problem = new TemplateProblem(location, path, sentence);
        if (_known.Add(problem))
            _problems.Add(_problems.Count < MaxProblems - 1 ? problem : new TemplateProblem(null, null, $"There are more than {MaxProblems - 1} problems; the others show when these are mended."));
    }

    /// <summary>Reports, and gives what stands for the missing value.</summary>
    public UnresolvedNode Unresolved(SourceLocation location, string path, string sentence)
    {
        Report(location, path, sentence);
        return new UnresolvedNode(location);
    }

    public void Note(SourceLocation? location, string? path, string sentence)
    {
        var note = new TemplateProblem(location, path, sentence);
        if (_notes.Count < MaxProblems && _known.Add(note))
            _notes.Add(note);
    }

    /// <exception cref="UserErrorException">There are problems.</exception>
    public void ThrowIfAny()
    {
        if (_problems.Count > 0)
            throw new UserErrorException([.. _problems.Select(problem => problem.ToString())]);
    }
}
