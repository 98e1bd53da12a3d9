namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>A directory for one stack: template, state, key files, outputs.</summary>
internal sealed class Workspace : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("udpgw-e2e-");

    public string State => Path("state");

    public string Outputs => Path("outputs.json");

    public string Path(string name) => System.IO.Path.Combine(_directory.FullName, name);

    public string Write(string name, string text)
    {
        File.WriteAllText(Path(name), text);
        return Path(name);
    }

    /// <summary>
    /// Writes a sample with replacements, each of which must find its text. The C# code stays where it is: the code's path
    /// becomes absolute.
    /// </summary>
    public string WriteVariant(string sample, params (string Old, string New)[] replacements)
    {
        var source = Repository.Sample(sample);
        var text = File.ReadAllText(source);
        foreach (var (old, replacement) in replacements)
        {
            Assert.Contains(old, text, StringComparison.Ordinal);
            text = text.Replace(old, replacement, StringComparison.Ordinal);
        }

        text = text.Replace("CodeUri: src/", $"CodeUri: {System.IO.Path.Combine(System.IO.Path.GetDirectoryName(source)!, "src")}", StringComparison.Ordinal);
        return Write("template.yaml", text);
    }

    public void Dispose() => _directory.Delete(recursive: true);
}
