using UdpGateway.Cli.LocalLambda;

namespace UdpGateway.Cli.Tests.LocalLambda;

public sealed class FunctionUpdateTests : IDisposable
{
    private readonly DirectoryInfo _code = Directory.CreateTempSubdirectory("udpgw-code-");

    public void Dispose() => _code.Delete(recursive: true);

    [RequiresProgramFact("python3")]
    public async Task Finishes_on_the_old_code_what_was_under_way_and_starts_the_rest_on_the_new()
    {
        var (started, mayEnd) = (Path.Combine(_code.FullName, "started"), Path.Combine(_code.FullName, "may-end"));
        Write("app.py", $$"""
            import os, time
            def handler(event, context):
                if event == "wait":
                    open("{{started}}", "w").close()
                    while not os.path.exists("{{mayEnd}}"): time.sleep(0.01)
                return "old"
            """);
        await using var functions = await RunningFunctions.StartAsync(Function());
        var underWay = functions.AskAsync("Echo", "\"wait\"");
        await RunningFunctions.UntilAsync(() => File.Exists(started), "the invocation to begin");

        Write("app.py", "def handler(event, context):\n    return 'new'\n");
        await functions.Host.ReloadAsync(Edited(), CancellationToken.None);
        var next = await functions.AskAsync("Echo", "{}");
        await File.WriteAllTextAsync(mayEnd, "");

        Assert.Equal("\"new\"", next);
        Assert.Equal("\"old\"", await underWay);
        Assert.Equal("\"new\"", await functions.AskAsync("Echo", "{}"));
    }

    [RequiresProgramFact("node")]
    public async Task Runs_the_new_code_of_a_node_function()
    {
        Write("app.js", "exports.handler = async () => 'old';");
        await using var functions = await RunningFunctions.StartAsync(Function() with { Runtime = "nodejs22.x" });
        var first = await functions.AskAsync("Echo", "{}");

        Write("app.js", "exports.handler = async () => 'new';");
        await functions.Host.ReloadAsync(Edited(), CancellationToken.None);

        Assert.Equal(("\"old\"", "\"new\""), (first, await functions.AskAsync("Echo", "{}")));
    }

    [RequiresProgramFact("python3")]
    public async Task Goes_on_with_the_old_python_code_when_an_edited_file_cannot_be_read()
    {
        Write("app.py", "import part\ndef handler(event, context):\n    return part.text\n");
        Write("part.py", "text = 'old'\n");
        await using var functions = await RunningFunctions.StartAsync(Function());
        var first = await functions.AskAsync("Echo", "{}");

        Write("part.py", "text = (\n");
        var error = await Assert.ThrowsAsync<LocalLambdaException>(() => functions.Host.ReloadAsync(Edited("part.py"), CancellationToken.None));
        var again = await Assert.ThrowsAsync<LocalLambdaException>(() => functions.Host.ReloadAsync(Edited("app.py"), CancellationToken.None));
        var second = await functions.AskAsync("Echo", "{}");
        Write("part.py", "text = 'new'\n");
        await functions.Host.ReloadAsync(Edited("part.py"), CancellationToken.None);

        Assert.StartsWith($"{Path.Combine(_code.FullName, "part.py")}(1): ", error.Message, StringComparison.Ordinal);
        Assert.Equal(error.Message, again.Message);
        Assert.Equal(("\"old\"", "\"old\"", "\"new\""), (first, second, await functions.AskAsync("Echo", "{}")));
    }

    [RequiresProgramFact("node")]
    public Task Goes_on_with_the_old_node_script_when_it_cannot_be_read_after_an_edit() =>
        GoesOnWithTheOldNodeCodeAsync("app.js", "exports.handler = async () => 'old';");

    [RequiresProgramFact("node")]
    public Task Goes_on_with_the_old_node_module_when_it_cannot_be_read_after_an_edit() =>
        GoesOnWithTheOldNodeCodeAsync("app.mjs", "export const handler = async () => 'old';");

    private async Task GoesOnWithTheOldNodeCodeAsync(string file, string code)
    {
        Write(file, code);
        await using var functions = await RunningFunctions.StartAsync(Function() with { Runtime = "nodejs22.x" });
        var first = await functions.AskAsync("Echo", "{}");

        Write(file, "// broken\n" + code.Replace("=>", "==>", StringComparison.Ordinal));
        var error = await Assert.ThrowsAsync<LocalLambdaException>(() => functions.Host.ReloadAsync(Edited(file), CancellationToken.None));
        var second = await functions.AskAsync("Echo", "{}");
        Write(file, code.Replace("old", "new", StringComparison.Ordinal));
        await functions.Host.ReloadAsync(Edited(file), CancellationToken.None);

        Assert.StartsWith($"{Path.Combine(_code.FullName, file)}(2): SyntaxError: ", error.Message, StringComparison.Ordinal);
        Assert.Equal(("\"old\"", "\"old\"", "\"new\""), (first, second, await functions.AskAsync("Echo", "{}")));
    }

    [Fact]
    public async Task Goes_on_with_the_old_build_when_the_new_source_does_not_compile()
    {
        const string Good = "using System.IO; namespace Sample; public static class Function { public static Stream Echo(Stream input) => new MemoryStream(\"\\\"VERSION\\\"\"u8.ToArray()); }";
        await DotNetFunctionTests.Project.WriteLibraryAsync(_code.FullName, Good.Replace("VERSION", "one", StringComparison.Ordinal));
        await using var functions = await RunningFunctions.StartAsync(DotNetFunctionTests.Project.Function("Echo", _code.FullName));
        var first = await functions.AskAsync("Echo", "{}");

        Write("Function.cs", "namespace Sample; public static class Function { int }");
        var error = await Assert.ThrowsAsync<LocalLambdaException>(() => functions.Host.ReloadAsync(Edited(), CancellationToken.None));
        var second = await functions.AskAsync("Echo", "{}");
        Write("Function.cs", Good.Replace("VERSION", "three", StringComparison.Ordinal));
        await functions.Host.ReloadAsync(Edited(), CancellationToken.None);

        Assert.Matches(@"Function\.cs\(1,\d+\): error CS", error.Message);
        Assert.Equal(["\"one\"", "\"one\"", "\"three\""], [first, second, await functions.AskAsync("Echo", "{}")]);
        Assert.Equal([_code.FullName], functions.Host.SourceDirectories["Echo"]);
    }

    [RequiresProgramFact("python3")]
    public async Task Lets_invocations_wait_for_an_environment_that_is_not_known_yet()
    {
        var function = RunningFunctions.Python("import os\ndef handler(event, context):\n    return os.environ['PORT']\n");
        await using var functions = await RunningFunctions.StartAsync(function with { AwaitsEnvironment = true, Environment = new Dictionary<string, string> { ["PORT"] = "placeholder" } });
        var answer = functions.AskAsync("Echo", "{}");
        await functions.InvokeAsync("Echo", "{}", "DryRun");

        await functions.Host.UpdateAsync([function with { Environment = new Dictionary<string, string> { ["PORT"] = "4242" } }], CancellationToken.None);

        Assert.Equal("\"4242\"", await answer);
    }

    [RequiresProgramFact("python3")]
    public async Task Adds_leaves_alone_and_removes_functions()
    {
        const string ProcessId = "import os\ndef handler(event, context):\n    return os.getpid()\n";
        var (kept, removed, added) = (RunningFunctions.Python(ProcessId, "Kept"), RunningFunctions.Python(ProcessId, "Removed"), RunningFunctions.Python(ProcessId, "Added"));
        await using var functions = await RunningFunctions.StartAsync(kept, removed);
        var process = await functions.AskAsync("Kept", "{}");

        var swapped = await functions.Host.UpdateAsync([kept with { Environment = new Dictionary<string, string>() }, added], CancellationToken.None);
        await functions.Host.RemoveOthersAsync(["Kept", "Added"]);

        Assert.Empty(swapped);
        Assert.Equal(process, await functions.AskAsync("Kept", "{}"));
        Assert.NotEqual(process, await functions.AskAsync("Added", "{}"));
        using var gone = await functions.InvokeAsync("Removed", "{}");
        Assert.Equal(404, (int)gone.StatusCode);
    }

    [RequiresProgramFact("python3")]
    public async Task Says_which_python_packages_are_missing_and_what_installs_them()
    {
        Write("app.py", "def handler(event, context):\n    return 1\n");
        Write("requirements.txt", "# comment\nno-such-package-4711>=2\nother[extra]==1 # why\n-r more.txt\nmarked; python_version < '3'\n");

        await using var functions = await RunningFunctions.StartAsync(Function());

        Assert.Contains(functions.Log.Lines, line => line.Contains("requirements.txt names no-such-package-4711, other, which", StringComparison.Ordinal) && line.Contains("-m pip install -r", StringComparison.Ordinal));
    }

    [RequiresProgramFact("node")]
    public async Task Says_which_node_packages_are_missing_and_what_installs_them()
    {
        Write("app.js", "exports.handler = async () => 1;");
        Write("package.json", """{"dependencies": {"present": "1", "@scope/absent": "2"}}""");
        Directory.CreateDirectory(Path.Combine(_code.FullName, "node_modules", "present"));

        await using var functions = await RunningFunctions.StartAsync(Function() with { Runtime = "nodejs22.x" });

        Assert.Contains(functions.Log.Lines, line => line.Contains($"package.json names @scope/absent, which node does not find; `npm install --prefix {_code.FullName}` installs it", StringComparison.Ordinal));
    }

    private LocalFunction Function() => RunningFunctions.Python("") with { InlineCode = null, CodeDirectory = _code.FullName, Handler = "app.handler" };

    private Dictionary<string, IReadOnlyList<string>> Edited(params string[] files) => new() { ["Echo"] = [.. files.Select(file => Path.Combine(_code.FullName, file))] };

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_code.FullName, name), text);
}
