using System.Globalization;

namespace UdpGateway.Cli.Templates;

/// <summary>A Lambda function of the template, from either type of resource.</summary>
internal sealed record FunctionDeclaration
{
    private static readonly string[] HostedRuntimes = ["python3.", "nodejs", "dotnet", "provided."];

    private const int DefaultRetryAttempts = 2;

    public required string LogicalId { get; init; }

    public required string FunctionName { get; init; }

    public required SourceLocation Location { get; init; }

    public required string Runtime { get; init; }

    public required string Handler { get; init; }

    /// <summary>Absolute; null for inline code.</summary>
    public string? CodeDirectory { get; init; }

    public string? InlineCode { get; init; }

    public TimeSpan Timeout { get; init; }

    public int MemorySize { get; init; }

    /// <summary>How often a failed asynchronous invocation is repeated.</summary>
    public int MaximumRetryAttempts { get; init; } = DefaultRetryAttempts;

    /// <summary>The ARN that hears of an asynchronous invocation that failed for good.</summary>
    public string? OnFailure { get; init; }

    /// <summary>Values may hold dynamic references, which are resolved at the start.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>Variables that refer to what does not exist before the functions do, such as a listener's port.</summary>
    public IReadOnlyList<string> UnknownVariables { get; init; } = [];

    /// <summary>Why the function cannot run here, as a sentence; null when it can.</summary>
    public string? Obstacle { get; init; }

    /// <param name="properties">Evaluated.</param>
    public static FunctionDeclaration From(Template template, TemplateResource resource, MapNode properties)
    {
        var settings = template.Settings;
        var reference = template.Evaluator.Evaluate(new MapNode(resource.Location, [new MapEntry("Ref", resource.Location, new ScalarNode(resource.Location, resource.LogicalId))]), Template.PropertiesPath(resource));
        var name = (reference as ScalarNode)?.Text ?? new ResourceValues(settings).GeneratedName(resource);
        var (directory, inline, obstacle) = Code(template, resource, properties);
        var runtime = properties.FindText("Runtime");
        var handler = properties.FindText("Handler");
        if (obstacle is null && runtime is null)
            obstacle = "The function has no Runtime.";
        if (obstacle is null && handler is null)
            obstacle = "The function has no Handler.";
        if (obstacle is null && !HostedRuntimes.Any(prefix => runtime!.StartsWith(prefix, StringComparison.Ordinal)))
            obstacle = $"The runtime {runtime} is not run here; {string.Join(", ", HostedRuntimes.Select(prefix => prefix + "*"))} are.";
        var variables = ((properties.Find("Environment") as MapNode)?.Find("Variables") as MapNode)?.Entries ?? [];
        var events = EventInvokeConfig(template, properties, name);
        return new FunctionDeclaration
        {
            LogicalId = resource.LogicalId,
            FunctionName = name,
            Location = resource.Location,
            Runtime = runtime ?? "",
            Handler = handler ?? "",
            CodeDirectory = directory,
            InlineCode = inline,
            Timeout = TimeSpan.FromSeconds(Number(properties, "Timeout", 3)),
            MemorySize = Number(properties, "MemorySize", 128),
            MaximumRetryAttempts = int.TryParse(events?.FindText("MaximumRetryAttempts"), NumberStyles.None, CultureInfo.InvariantCulture, out var attempts) ? Math.Min(attempts, DefaultRetryAttempts) : DefaultRetryAttempts,
            OnFailure = ((events?.Find("DestinationConfig") as MapNode)?.Find("OnFailure") as MapNode)?.FindText("Destination"),
            Environment = variables.Where(entry => entry.Value is ScalarNode).ToDictionary(entry => entry.Key, entry => ((ScalarNode)entry.Value).Text),
            UnknownVariables = [.. variables.Where(entry => TemplateEvaluator.IsPlaceholder(entry.Value)).Select(entry => entry.Key)],
            Obstacle = obstacle,
        };
    }

    /// <summary>SAM has it as a property of the function, CloudFormation as a resource of its own.</summary>
    private static MapNode? EventInvokeConfig(Template template, MapNode properties, string functionName) =>
        properties.Find("EventInvokeConfig") as MapNode ?? template.Resources
            .Where(resource => resource.Type == "AWS::Lambda::EventInvokeConfig")
            .Select(template.EvaluateProperties)
            .FirstOrDefault(config => config.FindText("FunctionName") is { } named && (named == functionName || $"{named}:".Contains($":function:{functionName}:", StringComparison.Ordinal)));

    private static (string? Directory, string? Inline, string? Obstacle) Code(Template template, TemplateResource resource, MapNode properties)
    {
        if (properties.FindText("PackageType") == "Image")
            return (null, null, "The function is a container image, which is not run here.");
        var code = properties.Find("CodeUri") ?? properties.Find("Code");
        var inline = properties.FindText("InlineCode") ?? (code as MapNode)?.FindText("ZipFile");
        if (inline is not null)
            return (null, inline, null);
        switch (code)
        {
            case ScalarNode { Kind: ScalarKind.String or ScalarKind.Number } path when !path.Text.Contains("://", StringComparison.Ordinal):
                var directory = Path.GetFullPath(Path.Combine(template.Directory, path.Text));
                return Path.Exists(directory)
                    ? (directory, null, null)
                    : (null, null, $"There is no folder {path.Text} beside the template.");
            case null when resource.Type == "AWS::Serverless::Function":
                return (null, null, "The function has neither CodeUri nor InlineCode.");
            case null:
                return (null, null, "The function has no Code.");
            default:
                return (null, null, "The function's code is not on this machine: a folder or inline code is needed.");
        }
    }

    private static int Number(MapNode properties, string name, int otherwise) =>
        int.TryParse(properties.FindText(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number > 0 ? number : otherwise;
}
