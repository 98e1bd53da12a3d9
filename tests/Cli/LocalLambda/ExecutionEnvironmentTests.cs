using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using UdpGateway.Cli.LocalLambda;
using UdpGateway.Cli.LocalLambda.Runtimes;

namespace UdpGateway.Cli.Tests.LocalLambda;

public sealed class ExecutionEnvironmentTests
{
    private const string ProcessId = "import os\ndef handler(event, context):\n    return os.getpid()\n";

    [RequiresProgramFact("python3")]
    public async Task Keeps_a_process_warm()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(ProcessId));

        var answers = new List<string>();
        for (var i = 0; i < 20; i++) answers.Add(await functions.AskAsync("Echo", "{}"));

        Assert.Single(answers.Distinct(StringComparer.Ordinal));
    }

    [RequiresProgramFact("node")]
    public async Task Does_not_wait_for_a_process_that_works_on_after_its_answer()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Node(
            "exports.handler = async () => { setImmediate(() => { for (const end = Date.now() + 20000; Date.now() < end;); }); return process.pid; };"));

        var first = await functions.AskAsync("Echo", "{}");
        var second = await functions.AskAsync("Echo", "{}");

        Assert.NotEqual(first, second);
    }

    [RequiresProgramFact("python3")]
    public async Task Stops_a_process_that_is_not_used()
    {
        await using var functions = await RunningFunctions.StartAsync(
            options => options with { IdleTimeout = TimeSpan.FromMilliseconds(200) }, RunningFunctions.Python(ProcessId));

        var first = await functions.AskAsync("Echo", "{}");
        await RunningFunctions.UntilAsync(() => !IsRunning(int.Parse(first)), "the idle process to go");
        var second = await functions.AskAsync("Echo", "{}");

        Assert.NotEqual(first, second);
    }

    [RequiresProgramFact("python3")]
    public async Task Runs_concurrent_invocations_in_as_many_processes_as_allowed()
    {
        await using var functions = await RunningFunctions.StartAsync(
            options => options with { MaximumConcurrency = 2 },
            RunningFunctions.Python(
                """
                import os, time
                def handler(event, context):
                    open(os.path.join(event, str(os.getpid())), "w").close()
                    while len(os.listdir(event)) < 2:
                        time.sleep(0.01)
                    return os.getpid()
                """));
        var meeting = Directory.CreateDirectory(Path.Combine(functions.StateDirectory, "meeting")).FullName;

        // Nobody leaves the meeting alone, so two processes must be inside at once; the other four wait for them.
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => functions.AskAsync("Echo", JsonSerializer.Serialize(meeting))));

        Assert.Equal(2, answers.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(2, Directory.GetFiles(meeting).Length);
    }

    [RequiresProgramFact("python3")]
    public async Task Kills_a_function_at_its_timeout_and_starts_it_anew()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(
            "import os, time\nprint('pid', os.getpid())\ndef handler(event, context):\n    if event: time.sleep(600)\n    return context.get_remaining_time_in_millis()\n")
            with
        { Timeout = TimeSpan.FromSeconds(1) });

        using var response = await functions.InvokeAsync("Echo", "true");
        var requestId = response.Headers.GetValues("x-amzn-RequestId").Single();
        var next = await functions.AskAsync("Echo", "false");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("Unhandled", response.Headers.GetValues("X-Amz-Function-Error").Single());
        Assert.Equal(
            $$"""{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: {{requestId}} Error: Task timed out after 1.00 seconds"}""",
            await response.Content.ReadAsStringAsync());
        Assert.InRange(int.Parse(next), 0, 1000);
        var processes = functions.Log.Lines.Where(line => line.StartsWith("Echo: pid ", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, processes.Count);
        Assert.False(IsRunning(int.Parse(processes[0]["Echo: pid ".Length..])));
    }

    [RequiresProgramFact("python3")]
    public async Task Reports_a_crash_and_starts_the_function_anew()
    {
        await using var functions = await RunningFunctions.StartAsync(
            RunningFunctions.Python("import os\ndef handler(event, context):\n    if event: os._exit(event)\n    return 'alive'\n"));

        using var response = await functions.InvokeAsync("Echo", "3");
        var requestId = response.Headers.GetValues("x-amzn-RequestId").Single();

        Assert.Equal("Unhandled", response.Headers.GetValues("X-Amz-Function-Error").Single());
        Assert.Equal(
            $$"""{"errorType":"Runtime.ExitError","errorMessage":"RequestId: {{requestId}} Error: Runtime exited with error: exit status 3"}""",
            await response.Content.ReadAsStringAsync());
        Assert.Equal("\"alive\"", await functions.AskAsync("Echo", "0"));
        Assert.Contains(functions.Log.Lines, line => line.EndsWith($"Runtime exited with error: exit status 3, RequestId: {requestId}; the next invocation starts it anew", StringComparison.Ordinal));
        Assert.Contains(functions.Log.Lines, line => line.Contains("Max Memory Used: ", StringComparison.Ordinal));
    }

    [RequiresProgramFact("python3")]
    public async Task Says_once_that_a_function_needs_more_memory_than_it_has()
    {
        await using var functions = await RunningFunctions.StartAsync(
            RunningFunctions.Python("def handler(event, context):\n    return len(b'x' * event)\n"));

        await functions.AskAsync("Echo", "1");
        Assert.DoesNotContain(functions.Log.Lines, line => line.Contains("MemorySize of", StringComparison.Ordinal));
        await functions.AskAsync("Echo", "200000000");
        await functions.AskAsync("Echo", "1");

        Assert.Single(functions.Log.Lines, line => line.Contains("MB, more than its MemorySize of 128 MB", StringComparison.Ordinal));
    }

    [RequiresProgramFact("python3")]
    public async Task Shows_the_function_only_the_environment_that_Lambda_would()
    {
        Environment.SetEnvironmentVariable("UDPGW_TEST_SECRET", "of the user");
        await using var functions = await RunningFunctions.StartAsync(
            RunningFunctions.Python("import os\ndef handler(event, context):\n    return dict(os.environ)\n") with
            {
                MemorySize = 512,
                Environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["GREETING"] = "hello = ✓", ["AWS_REGION"] = "mars-1" },
            });

        var seen = JsonSerializer.Deserialize<Dictionary<string, string>>(await functions.AskAsync("Echo", "{}"))!;

        string[] allowed =
        [
            "AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL", "AWS_EXECUTION_ENV",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
            "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN", "DOTNET_ROOT", "GREETING", "HOME", "LAMBDA_TASK_ROOT", "LANG", "LC_ALL", "PATH", "PYTHONDONTWRITEBYTECODE",
            "PYTHONUNBUFFERED", "PYTHONUTF8", "TMPDIR", "TZ", "_HANDLER", "_X_AMZN_TRACE_ID",
            // Python's own coercion of the C locale.
            "LC_CTYPE",
        ];
        Assert.Empty(seen.Keys.Except(allowed, StringComparer.Ordinal));
        Assert.Equal("hello = ✓", seen["GREETING"]);
        Assert.Equal("us-west-2", seen["AWS_REGION"]);
        Assert.Equal("512", seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]);
        Assert.Equal("index.handler", seen["_HANDLER"]);
        Assert.Equal("AWS_Lambda_python3.13", seen["AWS_EXECUTION_ENV"]);
        Assert.StartsWith(functions.StateDirectory, seen["HOME"], StringComparison.Ordinal);
        Assert.StartsWith(functions.StateDirectory, seen["TMPDIR"], StringComparison.Ordinal);
    }

    [RequiresProgramFact("python3")]
    public async Task Logs_every_line_under_the_functions_name()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(
            "import sys\ndef handler(event, context):\n    print('to stdout\\nand more')\n    print('to stderr', file=sys.stderr)\n    print('y' * 1000000, end='')\n    return 1\n"));

        await functions.AskAsync("Echo", "{}");

        await RunningFunctions.UntilAsync(() => functions.Log.Lines.Contains("Echo: to stderr"), "stderr");
        await RunningFunctions.UntilAsync(() => functions.Log.Lines.Contains("Echo: and more"), "the second line");
        Assert.Contains("Echo: to stdout", functions.Log.Lines);
        await RunningFunctions.UntilAsync(() => functions.Log.Lines.Any(line => line.StartsWith("Echo: yyyy", StringComparison.Ordinal)), "a line without an end");
    }

    [RequiresProgramFact("python3")]
    public async Task Leaves_no_process_behind_when_it_stops()
    {
        var functions = await RunningFunctions.StartAsync(
            RunningFunctions.Python(
                "import os, subprocess\ndef handler(event, context):\n    return [os.getpid(), subprocess.Popen(['sleep', '600']).pid]\n"),
            RunningFunctions.Python("import time\ndef handler(event, context):\n    print('sleeps')\n    time.sleep(600)\n", "Sleeper") with { Timeout = TimeSpan.FromMinutes(15) });
        var processes = JsonSerializer.Deserialize<int[]>(await functions.AskAsync("Echo", "{}"))!;
        var sleeper = functions.InvokeAsync("Sleeper", "{}");
        await RunningFunctions.UntilAsync(() => functions.Log.Lines.Contains("Sleeper: sleeps"), "the sleeper");
        var stopwatch = Stopwatch.StartNew();

        await functions.Host.DisposeAsync();

        Assert.True(stopwatch.Elapsed < TimeSpan.FromSeconds(5), $"Stopping took {stopwatch.Elapsed}.");
        await RunningFunctions.UntilAsync(() => !processes.Any(IsRunning), "the kernel to end what was killed");
        Assert.DoesNotContain(RunningCommandLines(), line => line.Contains(functions.StateDirectory, StringComparison.Ordinal));
        using var answer = await sleeper;
        Assert.Contains("is stopping", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await functions.DisposeAsync();
    }

    [RequiresProgramFact("python3")]
    public async Task Ends_what_a_crashed_function_started()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(
            "import os, subprocess\ndef handler(event, context):\n    print('child', subprocess.Popen(['sleep', '600']).pid)\n    os._exit(1)\n"));

        using var response = await functions.InvokeAsync("Echo", "{}");

        var child = Assert.Single(functions.Log.Lines, line => line.StartsWith("Echo: child ", StringComparison.Ordinal));
        await RunningFunctions.UntilAsync(() => !IsRunning(int.Parse(child["Echo: child ".Length..])), "the child to go");
    }

    [RequiresProgramFact("python3")]
    public async Task Ends_programs_with_their_standard_input()
    {
        // What happens to the pipe when this process is killed: the kernel closes our end.
        var directory = Directory.CreateTempSubdirectory("udpgw-lambda-");
        var command = new LaunchCommand("/bin/sh", ["-c", "echo $$; exec sleep 600"], directory.FullName, "test").EndingWithStandardInput();
        using var process = Process.Start(new ProcessStartInfo(command.FileName, command.Arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        var child = int.Parse((await process.StandardOutput.ReadLineAsync())!);
        Assert.True(IsRunning(child));

        process.StandardInput.Close();

        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(IsRunning(child));
        Assert.Equal(128 + 9, process.ExitCode);
        directory.Delete();
    }

    [RequiresProgramFact("python3")]
    public Task Python_ends_with_its_standard_input() =>
        EndsWithStandardInput(RunningFunctions.Python("print('busy')\nwhile True: pass\n"));

    [RequiresProgramFact("node")]
    public Task Node_ends_with_its_standard_input() =>
        EndsWithStandardInput(RunningFunctions.Node("console.log('busy'); for (;;) {}"));

    [Fact]
    public async Task DotNet_ends_with_its_standard_input()
    {
        var code = Directory.CreateTempSubdirectory("udpgw-code-");
        await DotNetFunctionTests.Project.WriteLibraryAsync(
            code.FullName,
            "namespace Sample; public class Function { public Function() { System.Console.WriteLine(\"busy\"); for (;;) { } } public void Spin(System.IO.Stream input) { } }");
        await EndsWithStandardInput(DotNetFunctionTests.Project.Function("Spin", code.FullName));
        code.Delete(recursive: true);
    }

    [RequiresProgramFact("python3")]
    public async Task Names_every_function_that_cannot_run()
    {
        var unsupported = RunningFunctions.Python("") with { LogicalId = "Java", Runtime = "java21" };
        var missing = RunningFunctions.Python("") with { LogicalId = "Gone", InlineCode = null, CodeDirectory = "/does/not/exist" };

        var exception = await Assert.ThrowsAsync<LocalLambdaException>(() => RunningFunctions.StartAsync(unsupported, missing));

        Assert.Contains("Function Java: runtime 'java21' cannot run locally", exception.Message, StringComparison.Ordinal);
        Assert.Contains("Function Gone: the code folder /does/not/exist does not exist.", exception.Message, StringComparison.Ordinal);
    }

    // The kernel closes our end of the pipe when we are killed; a function that never yields must end all the same.
    private static async Task EndsWithStandardInput(LocalFunction function)
    {
        var state = Directory.CreateTempSubdirectory("udpgw-lambda-");
        var command = (await new FunctionRuntimes(state.FullName, NullLogger.Instance).PrepareAsync([function], CancellationToken.None)).Single();
        var options = new LocalLambdaOptions { StateDirectory = state.FullName, Region = "us-west-2", AccountId = RunningFunctions.AccountId };
        var start = new ProcessStartInfo(command.FileName, command.Arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = command.TaskRoot,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in FunctionVariables.Build(function, command, options, "127.0.0.1:9/token", "stream", state.FullName)) start.Environment[name] = value;
        using var process = Process.Start(start)!;
        Assert.Equal("busy", await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.True(IsRunning(process.Id));

        process.StandardInput.Close();

        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(20));
        state.Delete(recursive: true);
    }

    // A zombie has ended; only its parent has not asked yet.
    private static bool IsRunning(int processId)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{processId}/stat");
            return stat[stat.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static IEnumerable<string> RunningCommandLines()
    {
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), out _)) continue;
            string line;
            try
            {
                line = File.ReadAllText(Path.Combine(process, "cmdline"));
            }
            catch (IOException)
            {
                // It ended while we looked.
                continue;
            }

            yield return line;
        }
    }
}
