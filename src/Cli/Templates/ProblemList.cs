namespace UdpGateway.Cli.Templates;

/// <summary>One mistake of the user, as a sentence.</summary>
/// <param name="Path">Property path such as <c>Resources.Listener.Properties.Protocols</c>.</param>
internal sealed record TemplateProblem(SourceLocation? Location, string? Path, string Sentence)
{
    public override string ToString() =>
        string.Join(": ", new[] { Location?.ToString(), Path, Sentence }.Where(part => !string.IsNullOrEmpty(part)));
}

/// <summary>Collects problems, so that all of them are reported at once, and notes about what was assumed.</summary>
internal sealed class ProblemList
{
    private readonly List<TemplateProblem> _problems = [];
    private readonly List<string> _notes = [];

    public IReadOnlyList<TemplateProblem> Problems => _problems;

    public IReadOnlyList<string> Notes => _notes;

    public void Report(SourceLocation? location, string? path, string sentence)
    {
        var problem = new TemplateProblem(location, path, sentence);
        if (!_problems.Contains(problem))
            _problems.Add(problem);
    }

    /// <summary>Reports, and gives what stands for the missing value.</summary>
    public UnresolvedNode Unresolved(SourceLocation location, string path, string sentence)
    {
        Report(location, path, sentence);
        return new UnresolvedNode(location);
    }

    public void Note(string sentence)
    {
        if (!_notes.Contains(sentence))
            _notes.Add(sentence);
    }

    /// <exception cref="UserErrorException">There are problems.</exception>
    public void ThrowIfAny()
    {
        if (_problems.Count > 0)
            throw new UserErrorException([.. _problems.Select(problem => problem.ToString())]);
    }
}
