using UdpGateway.Cli.LocalLambda;
using UdpGateway.Cli.LocalLambda.Runtimes;

namespace UdpGateway.Cli.Tests.LocalLambda;

/// <summary>Folders with several projects, whose Makefile says which function is which.</summary>
public sealed class MakefileProjectTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("udpgw-code-").FullName;

    public MakefileProjectTests()
    {
        foreach (var project in (string[])["receiver/Function.csproj", "sender/sender.csproj", "shared/shared.csproj"])
        {
            Directory.CreateDirectory(Path.Combine(_folder, Path.GetDirectoryName(project)!));
            File.WriteAllText(Path.Combine(_folder, project), "<Project />");
        }

        // As left by a build on the way.
        Directory.CreateDirectory(Path.Combine(_folder, "publish"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("Makefile", "\tdotnet publish receiver/Function.csproj -c Release -o ./publish\n\tmv ./publish/Function $(ARTIFACTS_DIR)/bootstrap", "receiver/Function.csproj")]
    [InlineData("makefile", "\tcd sender && dotnet publish -c Release -r linux-x64 -o ./publish\n\n\tmv sender/publish/sender $(ARTIFACTS_DIR)/bootstrap", "sender/sender.csproj")]
    [InlineData("Makefile", "\t(cd \"./sender/\"; dotnet publish)", "sender/sender.csproj")]
    public void Finds_the_project_that_the_function_s_recipe_publishes(string name, string recipe, string project)
    {
        File.WriteAllText(Path.Combine(_folder, name), $"# All of them.\nall: build-Other build-Mine\n\nbuild-Other:\n\tdotnet publish shared\n\nbuild-Mine:\n{recipe}\n\nclean:\n\trm -r shared\n");

        Assert.Equal(Path.Combine(_folder, project), MakefileProject.Find(_folder + "/", "Mine"));
    }

    [Theory]
    [InlineData("build-Mine:\n\tgo build -o $(ARTIFACTS_DIR)/bootstrap main.go\n")]
    [InlineData("build-Mine:\n\tdotnet publish ../elsewhere /etc\n")]
    [InlineData("build-Other:\n\tdotnet publish shared\n")]
    [InlineData("")]
    public void Finds_none_where_none_is_named(string makefile)
    {
        File.WriteAllText(Path.Combine(_folder, "Makefile"), makefile);

        Assert.Null(MakefileProject.Find(_folder, "Mine"));
    }

    [Fact]
    public void Does_not_choose_between_several()
    {
        File.WriteAllText(Path.Combine(_folder, "Makefile"), "build-Mine:\n\tdotnet publish sender\n\tdotnet publish receiver\n");

        var exception = Assert.Throws<LocalLambdaException>(() => MakefileProject.Find(_folder, "Mine"));

        Assert.Contains("names several projects", exception.Message, StringComparison.Ordinal);
    }
}
