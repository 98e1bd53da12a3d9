using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Cli.Templates;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Cli.LocalStack;

/// <summary>One custom resource that was created and not yet deleted.</summary>
internal sealed record StackResource
{
    public required string LogicalId { get; init; }

    public required string Type { get; init; }

    public required string PhysicalResourceId { get; init; }

    /// <summary>ResourceProperties of the newest event that succeeded.</summary>
    public required JsonObject Properties { get; init; }

    /// <summary>Data of the newest answer: what <c>Fn::GetAtt</c> gives.</summary>
    public required JsonObject Data { get; init; }

    public ServedResource ToServed(SourceLocation location)
    {
        var data = JsonSerializer.SerializeToElement(Data);
        return new ServedResource(
            PhysicalResourceId,
            data.EnumerateObject().ToDictionary(attribute => attribute.Name, attribute => CloudFormationJson.FromJson(attribute.Value, location)));
    }
}

/// <summary>A generation that was replaced; CloudFormation deletes it after the rest of the update.</summary>
internal sealed record ReplacedResource(string LogicalId, string Type, string PhysicalResourceId, JsonObject Properties);

/// <summary>What CloudFormation would remember of a stack.</summary>
internal sealed record StackState
{
    public required string StackId { get; init; }

    public required string StackName { get; init; }

    public required string Region { get; init; }

    public required string AccountId { get; init; }

    /// <summary>In the order of their creation; deletion goes backwards.</summary>
    public List<StackResource> Resources { get; init; } = [];

    public List<ReplacedResource> Replaced { get; init; } = [];

    /// <summary>UDP port by logical id, so that a listener gets the same one at every start.</summary>
    public Dictionary<string, int> Ports { get; init; } = [];

    /// <summary>Lets the template see the resources that exist already, before any event is sent.</summary>
    public void GiveAttributesTo(Template template)
    {
        foreach (var resource in Resources)
        {
            if (template.Resources.FirstOrDefault(declared => declared.LogicalId == resource.LogicalId && declared.Type == resource.Type) is { } declaration)
                template.Evaluator.SetServed(resource.LogicalId, resource.ToServed(declaration.Location));
        }
    }
}

/// <summary>
/// The directory that holds everything that <c>up</c> leaves: the stack, the listeners with their keys, and what functions
/// and destinations wrote. Only its owner can enter it.
/// </summary>
internal sealed class StateDirectory
{
    private const string StackName = "stack.json";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true };

    private readonly PrivateDirectory _files;

    private StateDirectory(string path, PrivateDirectory files, EmbeddedStore store)
    {
        Path = path;
        _files = files;
        Store = store;
    }

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>Owns the directory until it is disposed: a second process is refused.</summary>
    public EmbeddedStore Store { get; }

    /// <exception cref="UserErrorException">Another process works in it, or it cannot be used.</exception>
    public static StateDirectory Open(string directory)
    {
        var path = System.IO.Path.GetFullPath(directory);
        if (File.Exists(path))
            throw new UserErrorException($"--state takes a directory; {directory} is a file.");
        try
        {
            var store = new EmbeddedStore(path);
            var files = new PrivateDirectory(path);
            files.Replace(".gitignore", "*\n"u8);
            return new StateDirectory(path, files, store);
        }
        catch (EmbeddedStoreException exception)
        {
            throw new UserErrorException(exception.Message);
        }
    }

    /// <summary>Whether somebody called <c>up</c> with this directory.</summary>
    public static bool Exists(string directory) => File.Exists(System.IO.Path.Combine(directory, StackName));

    /// <summary>Null before the first <see cref="Save"/>.</summary>
    /// <exception cref="UserErrorException">The file is damaged.</exception>
    public StackState? Load()
    {
        try
        {
            return _files.Read(StackName) is { } content ? JsonSerializer.Deserialize<StackState>(content, Json) : null;
        }
        catch (JsonException)
        {
            throw new UserErrorException($"{_files.PathOf(StackName)} is damaged and cannot be read; restore it, or delete {Path} to start anew (this makes new keys and ports).");
        }
    }

    public void Save(StackState state) => _files.Replace(StackName, JsonSerializer.SerializeToUtf8Bytes(state, Json));

    public byte[]? Read(string name) => _files.Read(name);

    public void Replace(string name, ReadOnlySpan<byte> content) => _files.Replace(name, content);

    public string PathOf(string name) => _files.PathOf(name);
}
