namespace UdpGateway.Templates.Tests;

/// <summary>Where things lie in the repository that the tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    public static string PathOf(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>Templates that README quotes from.</summary>
    public static string Snippets => PathOf("tests", "EndToEnd", "Readme");

    /// <summary>Everything that users deploy.</summary>
    public static IReadOnlyList<string> Templates { get; } =
    [
        .. Directory.GetFiles(PathOf("templates"), "*.yaml"),
        .. Directory.GetFiles(Snippets, "*.yaml"),
        .. Directory.GetFiles(PathOf("samples"), "*.yaml", SearchOption.AllDirectories).Where(file => !file.Contains("/bin/", StringComparison.Ordinal) && !file.Contains("/obj/", StringComparison.Ordinal)),
    ];

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory.FullName, "Provider.sln")))
            directory = directory.Parent ?? throw new InvalidOperationException("The tests run outside the repository.");
        return directory.FullName;
    }
}
