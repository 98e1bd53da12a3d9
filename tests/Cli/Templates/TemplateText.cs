using System.Text;
using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.Tests.Templates;

/// <summary>A template as text, read as the commands read it from a file.</summary>
internal sealed class TemplateText : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("udpgw-template-").FullName;

    public ProblemList Problems { get; } = new();

    public string Folder => _folder;

    public static TemplateSettings Settings { get; } = new()
    {
        StackName = "sample",
        StackId = "arn:aws:cloudformation:us-west-2:123456789012:stack/sample/11111111-2222-3333-4444-555555555555",
    };

    public IEnumerable<string> Lines => Problems.Problems.Select(problem => problem.ToString().Replace(_folder + "/", "", StringComparison.Ordinal));

    public string Write(string name, string content)
    {
        var file = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, content, new UTF8Encoding(false));
        return file;
    }

    public Template? Load(string content, TemplateSettings? settings = null, string name = "template.yaml") =>
        Template.Load(Write(name, content), settings ?? Settings, Problems);

    /// <summary>Loads, evaluates everything, and fails the test when there is a problem.</summary>
    public Template LoadValid(string content, TemplateSettings? settings = null)
    {
        var template = Load(content, settings);
        template?.Check();
        Assert.Empty(Lines);
        return template!;
    }

    /// <summary>What the provider would receive as the properties of a resource.</summary>
    public static string Properties(Template template, string logicalId) =>
        CloudFormationJson.ToResourceProperties(template.EvaluateProperties(template.Resources.Single(resource => resource.LogicalId == logicalId)))!.ToJsonString();

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
