using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Xml.Linq;
using UdpGateway.EndToEnd.Tests.Harness;

namespace UdpGateway.EndToEnd.Tests.Architecture;

/// <summary>Arrows point downward only; a leaf that gains a reference is a change of the design, not of a project file.</summary>
public sealed class AssemblyGraphTests
{
    private static readonly Dictionary<string, string[]> AllowedProjects = new()
    {
        ["WireGuard"] = [],
        ["Listeners"] = [],
        ["Aws"] = ["Listeners"],
        ["Gateway"] = ["WireGuard", "Listeners", "Aws"],
        ["Provider"] = ["Listeners", "Aws", "WireGuard"],
        ["Cli"] = ["WireGuard", "Listeners", "Aws", "Gateway", "Provider"],
    };

    private static readonly Dictionary<string, Func<string, bool>> AllowedPackages = new()
    {
        ["WireGuard"] = _ => false,
        ["Listeners"] = package => package == "FluentValidation",
        ["Aws"] = package => package.StartsWith("AWSSDK.", StringComparison.Ordinal),
    };

    [Fact]
    public void Every_assembly_of_src_has_its_place_in_the_graph()
    {
        Assert.Equal(AllowedProjects.Keys.Order(StringComparer.Ordinal), Projects().Select(project => project.Folder).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void References_between_projects_follow_the_graph()
    {
        foreach (var (folder, project) in Projects())
        {
            var references = project.Descendants("ProjectReference").Select(reference => Path.GetFileName(Path.GetDirectoryName(((string)reference.Attribute("Include")!).Replace('\\', '/'))!));

            Assert.Empty(references.Except(AllowedProjects[folder], StringComparer.Ordinal));
        }
    }

    [Fact]
    public void The_leaves_take_no_package_and_no_framework_beyond_what_they_are_for()
    {
        foreach (var (folder, project) in Projects().Where(project => AllowedPackages.ContainsKey(project.Folder)))
        {
            var packages = project.Descendants("PackageReference").Select(package => (string)package.Attribute("Include")!);

            Assert.DoesNotContain(packages, package => !AllowedPackages[folder](package));
            Assert.Empty(project.Descendants("FrameworkReference"));
        }
    }

    [Fact]
    public void The_control_plane_knows_only_the_keys_of_wireguard()
    {
        using var stream = File.OpenRead(Path.Combine(Path.GetDirectoryName(Repository.Program)!, "UdpGateway.Provider.dll"));
        using var image = new PEReader(stream);
        var metadata = image.GetMetadataReader();

        var used = metadata.TypeReferences
            .Select(metadata.GetTypeReference)
            .Where(type => type.ResolutionScope.Kind == HandleKind.AssemblyReference
                && metadata.GetString(metadata.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name) == "UdpGateway.WireGuard")
            .Select(type => metadata.GetString(type.Name));

        Assert.Empty(used.Except(["WireGuardKeys", "SecretKey"], StringComparer.Ordinal));
    }

    private static IEnumerable<(string Folder, XDocument Project)> Projects() =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Select(file => (Path.GetFileName(Path.GetDirectoryName(file))!, XDocument.Load(file)));
}
