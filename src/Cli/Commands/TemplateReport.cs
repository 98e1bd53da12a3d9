using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.Commands;

/// <summary>What <c>validate</c> found, for people, for programs, and for the log of a GitHub workflow.</summary>
internal sealed class TemplateReport(string file, int listeners, ProblemList problems)
{
    /// <summary>The first one is the default.</summary>
    public static readonly IReadOnlyList<string> Formats = ["text", "json", "github"];

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private bool IsValid => problems.Problems.Count == 0;

    private string Verdict => $"{file}: valid, {listeners} {(listeners == 1 ? "listener" : "listeners")}.";

    public void Write(string format, TextWriter output, TextWriter error)
    {
        switch (format)
        {
            case "json":
                output.WriteLine(ToJson().ToJsonString(Json));
                break;
            case "github":
                WriteAnnotations(output);
                break;
            default:
                WriteLines(output, error);
                break;
        }
    }

    private void WriteLines(TextWriter output, TextWriter error)
    {
        foreach (var note in problems.Notes)
            output.WriteLine($"note: {note.ToNote()}");
        foreach (var problem in problems.Problems)
            error.WriteLine(problem);
        if (IsValid)
            output.WriteLine(Verdict);
    }

    private JsonObject ToJson() => new()
    {
        ["Template"] = file,
        ["Valid"] = IsValid,
        ["Listeners"] = listeners,
        ["Problems"] = new JsonArray([.. problems.Problems.Select(problem => new JsonObject
        {
            ["File"] = problem.Location?.File,
            ["Line"] = problem.Location is { Line: > 0 and var line } ? line : null,
            ["Path"] = problem.Path,
            ["Message"] = problem.Sentence,
        })]),
        ["Notes"] = new JsonArray([.. problems.Notes.Select(note => (JsonNode)note.ToNote())]),
    };

    // https://docs.github.com/en/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
    private void WriteAnnotations(TextWriter output)
    {
        foreach (var note in problems.Notes)
            Annotate("notice", note);
        foreach (var problem in problems.Problems)
            Annotate("error", problem);

        if (IsValid)
            output.WriteLine(Verdict);

        void Annotate(string level, TemplateProblem found)
        {
            var line = found.Location is { Line: > 0 and var number } ? $",line={number}" : "";
            var title = found.Path is { Length: > 0 } path ? $",title={Property(path)}" : "";
            output.WriteLine($"::{level} file={Property(found.Location?.File ?? file)}{line}{title}::{Message(found.Sentence)}");
        }

        static string Message(string text) => text.Replace("%", "%25", StringComparison.Ordinal).Replace("\r", "%0D", StringComparison.Ordinal).Replace("\n", "%0A", StringComparison.Ordinal);

        static string Property(string text) => Message(text).Replace(":", "%3A", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal);
    }
}
