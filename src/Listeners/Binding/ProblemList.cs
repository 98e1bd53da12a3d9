using System.Globalization;
using FluentValidation;
using FluentValidation.Results;

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

    /// <summary>What judging found in a declaration, except for what binding could not read and has reported already.</summary>
    public void Add(ValidationResult judgement)
    {
        var unreadable = _problems.Select(problem => problem.Path).ToArray();
        foreach (var failure in judgement.Errors.Where(failure => !unreadable.Any(path => IsBehind(path, failure))))
        {
            var given = failure.AttemptedValue switch
            {
                string text => PropertyBinder.Quote(text),
                int or double => Convert.ToString(failure.AttemptedValue, CultureInfo.InvariantCulture),
                _ => null,
            };
            Add(failure.Severity is Severity.Error ? _problems : _warnings, new PropertyProblem(failure.PropertyName, given, failure.ErrorMessage, failure.ErrorCode));
        }
    }

    // What cannot be read counts as absent in the declaration; a list or an object as empty when that is so of what is in it.
    private static bool IsBehind(string unreadable, ValidationFailure failure) =>
        unreadable == failure.PropertyName
        || (failure.ErrorCode.EndsWith("_required", StringComparison.Ordinal)
            && unreadable.StartsWith(failure.PropertyName, StringComparison.Ordinal) && unreadable[failure.PropertyName.Length] is '[' or '.');

    // A property that several kinds of destination read is found wrong by each.
    private static void Add(List<PropertyProblem> list, PropertyProblem found)
    {
        if (!list.Contains(found))
            list.Add(found);
    }
}
