using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.LocalStack;

/// <summary>
/// Edit, save, send again: follows the template, what it includes, and the functions' sources while a stack runs. A mistake is
/// told, and what ran before goes on; the next save is tried again.
/// </summary>
/// <param name="read">Reads the template anew; throws what is wrong with it.</param>
/// <param name="updated">Called after each update of the template.</param>
internal sealed class StackWatch(RunningStack stack, Template template, string stateDirectory, Func<ProblemList, Template> read, Func<CancellationToken, Task> updated, Action<string> say)
{
    // Editors write a file in several steps, and a branch is checked out in many: a change counts when nothing follows for so long.
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(300);

    private Template _template = template;
    private FileSnapshot _templateFiles = Take(template.Files, stateDirectory);
    private Dictionary<string, Sources> _sources = TakeSources(stack, stateDirectory);

    /// <summary>Returns when it is stopped.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                await Task.Delay(Interval, stopping);
                await FollowTemplateAsync(stopping);
                await FollowSourcesAsync(stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // What it was about to do is done by the next `up`.
        }
    }

    private async Task FollowTemplateAsync(CancellationToken stopping)
    {
        if (_templateFiles.Differences(Take(_template.Files, stateDirectory)).Count == 0)
            return;
        _templateFiles = await SettleAsync(() => _template.Files, stopping);
        try
        {
            var problems = new ProblemList();
            var next = read(problems);
            foreach (var note in problems.Notes)
                say($"note: {note.ToNote()}");
            // Also when the update fails: the file that mends it may be one that only the new template includes.
            _template = next;
            _templateFiles = Take(next.Files, stateDirectory);
            await stack.UpdateAsync(next, problems, stopping);
            await updated(stopping);
            AdoptFolders();
        }
        catch (UserErrorException exception)
        {
            Complain("The template was not applied, and what ran before goes on:", exception);
        }
    }

    private async Task FollowSourcesAsync(CancellationToken stopping)
    {
        var changes = Changes(TakeSources(stack, stateDirectory));
        if (changes.Count == 0)
            return;
        await SettleAsync(() => stack.FunctionSources.Values.SelectMany(folders => folders), stopping);
        var sources = TakeSources(stack, stateDirectory);
        changes = Changes(sources);
        _sources = sources;
        try
        {
            var files = changes.Values.SelectMany(files => files).Distinct().Select(Path.GetFileName).ToList();
            var functions = string.Join(", ", stack.Functions.Where(function => changes.ContainsKey(function.FunctionName)).Select(function => function.LogicalId));
            say($"{string.Join(", ", files.Take(3))}{(files.Count > 3 ? $" and {files.Count - 3} more" : "")} changed: reloading {functions}.");
            await stack.ReloadFunctionsAsync(changes, stopping);
            say($"{functions}: reloaded; the next invocation runs the new code.");
            AdoptFolders();
        }
        catch (UserErrorException exception)
        {
            Complain("The change is not taken over, and the functions go on as they were:", exception);
        }
    }

    private Dictionary<string, IReadOnlyList<string>> Changes(Dictionary<string, Sources> now) => now
        .Where(pair => _sources.TryGetValue(pair.Key, out var known) && known.IsOfSameFolders(pair.Value))
        .Select(pair => (pair.Key, Files: _sources[pair.Key].Files.Differences(pair.Value.Files)))
        .Where(pair => pair.Files.Count > 0)
        .ToDictionary(pair => pair.Key, pair => pair.Files);

    /// <summary>A function that is new, or whose folders are other ones now, does not count as edited; an edit since the last look does.</summary>
    private void AdoptFolders() => _sources = TakeSources(stack, stateDirectory).ToDictionary(
        pair => pair.Key,
        pair => _sources.TryGetValue(pair.Key, out var known) && known.IsOfSameFolders(pair.Value) ? known : pair.Value);

    private async Task<FileSnapshot> SettleAsync(Func<IEnumerable<string>> paths, CancellationToken stopping)
    {
        var before = Take(paths(), stateDirectory);
        while (true)
        {
            await Task.Delay(Interval, stopping);
            var after = Take(paths(), stateDirectory);
            if (before.Differences(after).Count == 0)
                return after;
            before = after;
        }
    }

    private void Complain(string sentence, UserErrorException exception) => say($"{sentence}\n  {string.Join("\n  ", exception.Lines)}");

    private static FileSnapshot Take(IEnumerable<string> paths, string stateDirectory) => FileSnapshot.Take(paths, stateDirectory);

    private static Dictionary<string, Sources> TakeSources(RunningStack stack, string stateDirectory) =>
        stack.FunctionSources.ToDictionary(pair => pair.Key, pair => new Sources(pair.Value, Take(pair.Value, stateDirectory)));

    private sealed record Sources(IReadOnlyList<string> Folders, FileSnapshot Files)
    {
        public bool IsOfSameFolders(Sources other) => Folders.SequenceEqual(other.Folders);
    }
}
