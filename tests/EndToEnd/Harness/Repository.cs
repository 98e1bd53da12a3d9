namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>Where things lie in the repository that the tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>The program as README's command builds it, in the configuration of the tests.</summary>
    public static string Program { get; } = Path.Combine(Root, "src", "Cli", "bin", Configuration, "net10.0", "udpgw.dll");

    private static string Configuration => new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    public static string Sample(string name) => Path.Combine(Root, "samples", name, "template.yaml");

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Provider.sln")))
            directory = directory.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        return directory.FullName;
    }
}
