using System.Text.Json;
using UdpGateway.Cli.LocalLambda;

namespace UdpGateway.Cli.Tests.LocalLambda;

/// <summary>One project is built once for all tests: a build takes seconds.</summary>
public sealed class DotNetFunctionTests(DotNetFunctionTests.Project project) : IClassFixture<DotNetFunctionTests.Project>
{
    [Fact]
    public async Task Runs_streams_in_and_out()
    {
        Assert.Equal("""{"text":"hello"}""", await project.Functions.AskAsync("Echo", """{"text":"hello"}"""));
        Assert.Equal("""{"text":"hello"}""", await project.Functions.AskAsync("EchoAsync", """{"text":"hello"}"""));
    }

    [Fact]
    public async Task Reports_exceptions_with_their_type()
    {
        using var response = await project.Functions.InvokeAsync("Fail", "{}");
        using var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync());

        Assert.Equal("Unhandled", response.Headers.GetValues("X-Amz-Function-Error").Single());
        Assert.Equal("InvalidDataException", error.RootElement.GetProperty("errorType").GetString());
        Assert.Equal("as asked", error.RootElement.GetProperty("errorMessage").GetString());
        Assert.Equal("the cause", error.RootElement.GetProperty("cause").GetProperty("errorMessage").GetString());
    }

    [Theory]
    [InlineData("TwoParameters", "takes (Stream, String). Supported: Stream Handler(Stream)")]
    [InlineData("NoSuchMethod", "has no method NoSuchMethod")]
    public async Task Says_what_is_wrong_with_a_handler(string function, string sentence)
    {
        using var response = await project.Functions.InvokeAsync(function, "{}");
        using var error = JsonDocument.Parse(await response.Content.ReadAsStringAsync());

        Assert.Equal("Runtime.InvalidHandler", error.RootElement.GetProperty("errorType").GetString());
        Assert.Contains(sentence, error.RootElement.GetProperty("errorMessage").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_a_program_with_its_own_loop_as_provided() =>
        Assert.Equal("\"from the bootstrap\"", await project.Functions.AskAsync("Bootstrap", "{}"));

    [Fact]
    public void Writes_nothing_beside_the_sources() =>
        Assert.Equal(project.Sources, Project.FilesOf(project.Directory));

    [Fact]
    public async Task Shows_the_compilers_lines_when_a_build_fails()
    {
        var broken = System.IO.Directory.CreateTempSubdirectory("udpgw-code-");
        await Project.WriteLibraryAsync(broken.FullName, "public static class Broken { int }");

        var exception = await Assert.ThrowsAsync<LocalLambdaException>(() => RunningFunctions.StartAsync(Project.Function("Broken", broken.FullName)));

        Assert.StartsWith("Function Broken: ", exception.Message, StringComparison.Ordinal);
        Assert.Matches(@"Function\.cs\(1,\d+\): error CS", exception.Message);
        broken.Delete(recursive: true);
    }

    public sealed class Project : IAsyncLifetime
    {
        private const string Code =
            """
            using System.IO;
            using System.Threading.Tasks;
            namespace Sample;
            public sealed class Function
            {
                public Stream Echo(Stream input) => input;
                public static async Task<Stream> EchoAsync(Stream input) { await Task.Yield(); return input; }
                public Stream Fail(Stream input) => throw new InvalidDataException("as asked", new IOException("the cause"));
                public Stream TwoParameters(Stream input, string context) => input;
            }
            """;

        // The smallest runtime loop there is.
        private const string Loop =
            """
            using System;
            using System.Linq;
            using System.Net.Http;
            var root = "http://" + Environment.GetEnvironmentVariable("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/";
            using var http = new HttpClient();
            while (true)
            {
                using var next = await http.GetAsync(root + "next");
                var id = next.Headers.GetValues("Lambda-Runtime-Aws-Request-Id").Single();
                using var answer = await http.PostAsync(root + id + "/response", new StringContent("\"from the bootstrap\""));
            }
            """;

        private RunningFunctions? _functions;

        internal RunningFunctions Functions => _functions!;

        internal string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("udpgw-code-").FullName;

        internal IReadOnlyList<string> Sources { get; private set; } = [];

        public async Task InitializeAsync()
        {
            var library = System.IO.Directory.CreateDirectory(Path.Combine(Directory, "library")).FullName;
            var program = System.IO.Directory.CreateDirectory(Path.Combine(Directory, "program")).FullName;
            await WriteLibraryAsync(library, Code);
            await WriteProjectAsync(program, Loop, "<OutputType>Exe</OutputType><AssemblyName>bootstrap</AssemblyName>");
            // What a repository may demand of its own code.
            await File.WriteAllTextAsync(
                Path.Combine(Directory, "Directory.Build.props"),
                "<Project><PropertyGroup><RestorePackagesWithLockFile>true</RestorePackagesWithLockFile><TreatWarningsAsErrors>true</TreatWarningsAsErrors></PropertyGroup></Project>");
            Sources = FilesOf(Directory);

            _functions = await RunningFunctions.StartAsync(
                Function("Echo", library), Function("EchoAsync", library), Function("Fail", library), Function("TwoParameters", library),
                Function("NoSuchMethod", library), Function("Bootstrap", program) with { Runtime = "provided.al2023", Handler = "bootstrap" });
        }

        public async Task DisposeAsync()
        {
            if (_functions is not null) await _functions.DisposeAsync();
            System.IO.Directory.Delete(Directory, recursive: true);
        }

        internal static LocalFunction Function(string method, string directory) => RunningFunctions.Python("", method) with
        {
            Runtime = "dotnet10",
            Handler = $"Sample::Sample.Function::{method}",
            InlineCode = null,
            CodeDirectory = directory,
        };

        internal static Task WriteLibraryAsync(string directory, string code) => WriteProjectAsync(directory, code, "<AssemblyName>Sample</AssemblyName>");

        internal static IReadOnlyList<string> FilesOf(string directory) =>
            System.IO.Directory.EnumerateFileSystemEntries(directory, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();

        private static async Task WriteProjectAsync(string directory, string code, string properties)
        {
            await File.WriteAllTextAsync(
                Path.Combine(directory, "Function.csproj"),
                $"<Project Sdk=\"Microsoft.NET.Sdk\"><PropertyGroup><TargetFramework>net10.0</TargetFramework>{properties}</PropertyGroup></Project>");
            await File.WriteAllTextAsync(Path.Combine(directory, "Function.cs"), code);
        }
    }
}
