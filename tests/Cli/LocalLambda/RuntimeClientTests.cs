using System.Text.Json;
using UdpGateway.Cli.LocalLambda.Runtimes;

namespace UdpGateway.Cli.Tests.LocalLambda;

public sealed class RuntimeClientTests
{
    [RequiresProgramFact("python3")]
    public async Task Python_reports_what_the_handler_raises()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(
            "class Odd(Exception): pass\ndef handler(event, context):\n    raise Odd('told so')\n"));

        var error = await ErrorAsync(functions);

        Assert.Equal("Odd", error.GetProperty("errorType").GetString());
        Assert.Equal("told so", error.GetProperty("errorMessage").GetString());
        Assert.Contains("raise Odd('told so')", error.GetProperty("stackTrace")[0].GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(error.GetProperty("requestId").GetString()!);
    }

    [RequiresProgramFact("python3")]
    public async Task Python_reports_what_keeps_the_function_from_loading()
    {
        Assert.Equal("Runtime.ImportModuleError", await InitErrorAsync("import does_not_exist", "index.handler"));
        Assert.Equal("Runtime.UserCodeSyntaxError", await InitErrorAsync("def handler(:", "index.handler"));
        Assert.Equal("Runtime.HandlerNotFound", await InitErrorAsync("x = 1", "index.handler"));
        Assert.Equal("ZeroDivisionError", await InitErrorAsync("1 / 0", "index.handler"));
        Assert.Equal("Runtime.MalformedHandlerName", await InitErrorAsync("x = 1", "handler"));

        static async Task<string?> InitErrorAsync(string code, string handler)
        {
            await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Python(code) with { Handler = handler });
            return (await ErrorAsync(functions)).GetProperty("errorType").GetString();
        }
    }

    [RequiresProgramFact("python3")]
    public async Task Python_runs_modules_of_a_folder_and_writes_nothing_there()
    {
        var code = Directory.CreateTempSubdirectory("udpgw-code-");
        code.CreateSubdirectory("package");
        await File.WriteAllTextAsync(Path.Combine(code.FullName, "package", "module.py"), "import sibling\ndef answer(event, context):\n    return sibling.VALUE\n");
        await File.WriteAllTextAsync(Path.Combine(code.FullName, "sibling.py"), "VALUE = 42\n");
        await using var functions = await RunningFunctions.StartAsync(
            RunningFunctions.Python("") with { InlineCode = null, CodeDirectory = code.FullName, Handler = "package.module.answer" });

        Assert.Equal("42", await functions.AskAsync("Echo", "{}"));

        Assert.Equal(2, code.EnumerateFiles("*", SearchOption.AllDirectories).Count());
        code.Delete(recursive: true);
    }

    [RequiresProgramFact("node")]
    public async Task Node_runs_async_functions_of_modules()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Node(
            "export const handler = async (event, context) => ({ event, name: context.functionName, left: context.getRemainingTimeInMillis() > 0 });"));

        Assert.Equal("""{"event":{"a":1},"name":"Echo","left":true}""", await functions.AskAsync("Echo", """{"a":1}"""));
        Assert.Equal("""{"event":2,"name":"Echo","left":true}""", await functions.AskAsync("Echo", "2"));
    }

    [RequiresProgramFact("node")]
    public async Task Node_runs_callback_functions_of_CommonJS()
    {
        await using var functions = await RunningFunctions.StartAsync(RunningFunctions.Node(
            """
            const os = require('node:os');
            let late = 0;
            exports.handler = (event, context, callback) => {
              setTimeout(() => { late += 1; }, 50);
              callback(event.fail ? new RangeError('as asked') : null, { late, platform: typeof os.platform() });
            };
            """));

        // Lambda waits for an empty event loop before it answers, so the timer of the first call has fired in the second.
        Assert.Equal("""{"late":0,"platform":"string"}""", await functions.AskAsync("Echo", "{}"));
        Assert.Equal("""{"late":1,"platform":"string"}""", await functions.AskAsync("Echo", "{}"));
        var error = await ErrorAsync(functions, """{"fail":true}""");
        Assert.Equal("RangeError", error.GetProperty("errorType").GetString());
        Assert.Equal("as asked", error.GetProperty("errorMessage").GetString());
    }

    [RequiresProgramFact("node")]
    public async Task Node_reports_failures()
    {
        await using var functions = await RunningFunctions.StartAsync(
            RunningFunctions.Node("export const handler = async () => { throw new TypeError('oh'); };", "Throws"),
            RunningFunctions.Node("exports.handler = async () => { Promise.reject(new Error('lost')); await new Promise(r => setTimeout(r, 5000)); };", "Loses"),
            RunningFunctions.Node("export const other = 1;", "Lacks"),
            RunningFunctions.Node("exports.handler = ", "Breaks"),
            RunningFunctions.Node("exports.handler = async () => { process.exit(7); };", "Exits"));

        Assert.Equal("TypeError", (await ErrorAsync(functions, "{}", "Throws")).GetProperty("errorType").GetString());
        Assert.Equal("Runtime.UnhandledPromiseRejection", (await ErrorAsync(functions, "{}", "Loses")).GetProperty("errorType").GetString());
        Assert.Equal("Runtime.HandlerNotFound", (await ErrorAsync(functions, "{}", "Lacks")).GetProperty("errorType").GetString());
        Assert.Equal("Runtime.UserCodeSyntaxError", (await ErrorAsync(functions, "{}", "Breaks")).GetProperty("errorType").GetString());
        Assert.EndsWith("exit status 7", (await ErrorAsync(functions, "{}", "Exits")).GetProperty("errorMessage").GetString(), StringComparison.Ordinal);
    }

    [RequiresProgramFact("sh")]
    public async Task Provided_runs_a_bootstrap_of_any_language()
    {
        var code = Directory.CreateTempSubdirectory("udpgw-code-");
        var bootstrap = Path.Combine(code.FullName, "bootstrap");
        await File.WriteAllTextAsync(bootstrap, "#!/bin/sh\necho \"handler $_HANDLER\"\nexit 9\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(bootstrap, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        await using var functions = await RunningFunctions.StartAsync(
            RunningFunctions.Python("") with { Runtime = "provided.al2023", Handler = "whatever", InlineCode = null, CodeDirectory = code.FullName });

        var error = await ErrorAsync(functions);

        Assert.Equal("Runtime.ExitError", error.GetProperty("errorType").GetString());
        Assert.EndsWith("exit status 9", error.GetProperty("errorMessage").GetString(), StringComparison.Ordinal);
        Assert.Contains("Echo: handler whatever", functions.Log.Lines);
        code.Delete(recursive: true);
    }

    [Theory]
    [InlineData("export const handler = async () => 1;", true)]
    [InlineData("import fs from 'node:fs';\nexport async function handler() {}", true)]
    [InlineData("const f = 1;\nexport { f as handler };", true)]
    [InlineData("exports.handler = async () => 1; // export default", false)]
    [InlineData("module.exports.handler = () => import('node:fs');", false)]
    public void Inline_code_is_CommonJS_unless_it_exports(string code, bool isModule) =>
        Assert.Equal(isModule, InlineModule.IsEcmaScriptModule(code));

    private static async Task<JsonElement> ErrorAsync(RunningFunctions functions, string payload = "{}", string name = "Echo")
    {
        using var response = await functions.InvokeAsync(name, payload);
        var body = await response.Content.ReadAsStringAsync();
        Assert.True(response.Headers.Contains("X-Amz-Function-Error"), body);
        return JsonDocument.Parse(body).RootElement;
    }
}
