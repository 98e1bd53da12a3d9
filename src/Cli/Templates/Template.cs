namespace UdpGateway.Cli.Templates;

/// <summary>A template that was read: its resources in the order of their dependencies, ready to be evaluated.</summary>
internal sealed class Template
{
    private static readonly string[] Sections =
        ["AWSTemplateFormatVersion", "Description", "Metadata", "Parameters", "Rules", "Mappings", "Conditions", "Transform", "Globals", "Resources", "Hooks", "Outputs"];

    private static readonly string[] ResourceAttributes =
        ["Type", "Properties", "Condition", "DependsOn", "Metadata", "DeletionPolicy", "UpdateReplacePolicy", "CreationPolicy", "UpdatePolicy", "Connectors", "IgnoreGlobals"];

    /// <summary>CloudFormation's limit.</summary>
    private const int MaxResources = 500;

    private readonly MapNode? _outputs;
    private readonly ProblemList _problems;

    private Template(string directory, TemplateSettings settings, TemplateEvaluator evaluator, IReadOnlyList<TemplateResource> resources, MapNode? outputs, ProblemList problems)
    {
        Directory = directory;
        Settings = settings;
        Evaluator = evaluator;
        Resources = resources;
        _outputs = outputs;
        _problems = problems;
    }

    /// <summary>Absolute; relative paths of the template start here.</summary>
    public string Directory { get; }

    public TemplateSettings Settings { get; }

    /// <summary>The template's file and those that it includes.</summary>
    public IReadOnlyList<string> Files { get; private init; } = [];

    public TemplateEvaluator Evaluator { get; }

    /// <summary>The resources whose condition holds, each after those that it depends on.</summary>
    public IReadOnlyList<TemplateResource> Resources { get; }

    /// <summary>Null when the file is so wrong that nothing can be said about its resources; the problems say why.</summary>
    public static Template? Load(string file, TemplateSettings settings, ProblemList problems)
    {
        var directory = Path.GetDirectoryName(Path.GetFullPath(file))!;
        var node = TemplateReader.Read(file, file, problems);
        if (node is null)
            return null;
        if (node is not MapNode root)
        {
            problems.Report(node.Location, null, "A template is a map with at least the section Resources.");
            return null;
        }

        var parameters = new TemplateParameters(settings, problems);
        parameters.Read(root.Find("Parameters"));
        var evaluator = new TemplateEvaluator(settings, parameters, problems);
        var transforms = new TemplateTransforms(directory, settings, evaluator, problems);
        transforms.ReadDeclared(root.Find("Transform"));
        root = transforms.Expand(root);
        foreach (var entry in root.Entries.Where(entry => !Sections.Contains(entry.Key)))
            problems.Report(entry.KeyLocation, entry.Key, $"A template has no section '{entry.Key}'.{Suggestion.For(entry.Key, Sections)}");

        evaluator.Mappings = Section(root, "Mappings", problems);
        evaluator.Conditions = Section(root, "Conditions", problems);
        var section = Section(root, "Resources", problems);
        if (section is null or { Entries.Count: 0, IsIncomplete: false } && !root.IsIncomplete)
            problems.Report(root.Location, "Resources", "The template declares no resources.");
        if (section?.Entries.Count > MaxResources)
        {
            problems.Report(section.Location, "Resources", $"The template declares {section.Entries.Count} resources; CloudFormation takes at most {MaxResources}.");
            return null;
        }

        var declared = section?.Entries.Select(entry => ReadResource(entry, problems)).OfType<TemplateResource>().ToList() ?? [];
        var resources = ServerlessTransform.Apply(declared, Section(root, "Globals", problems), transforms.UsesServerless, problems);
        evaluator.Resources = resources.ToDictionary(resource => resource.LogicalId);
        evaluator.ResourcesAreIncomplete = section?.IsIncomplete == true;
        evaluator.CheckConditions();

        var active = resources.Where(resource =>
            resource.Condition is null || evaluator.Condition(resource.Condition, resource.Location, $"Resources.{resource.LogicalId}.Condition") != false).ToList();
        var ordered = DependencyOrder.Sort(active, evaluator, problems);
        return new Template(directory, settings, evaluator, ordered, Section(root, "Outputs", problems), problems) { Files = [file, .. transforms.IncludedFiles] };
    }

    /// <summary>The same template with one more resource, before its own.</summary>
    public Template With(TemplateResource first) => new(Directory, Settings, Evaluator, [first, .. Resources], _outputs, _problems) { Files = Files };

    /// <summary>Evaluates the properties of a resource; problems are reported and leave <see cref="UnresolvedNode"/>s.</summary>
    public MapNode EvaluateProperties(TemplateResource resource) =>
        Evaluator.Evaluate(resource.Properties, PropertiesPath(resource)) as MapNode ?? Unknown(resource.Location);

    /// <summary>Properties about which nothing can be said, because of a problem that is reported.</summary>
    private static MapNode Unknown(SourceLocation location) =>
        new(location, [new MapEntry("", location, new UnresolvedNode(location))]) { IsIncomplete = true };

    public static string PropertiesPath(TemplateResource resource) => $"Resources.{resource.LogicalId}.Properties";

    /// <summary>The outputs whose condition holds, as text.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> EvaluateOutputs()
    {
        var results = new List<KeyValuePair<string, string>>();
        foreach (var entry in _outputs?.Entries ?? [])
        {
            var path = "Outputs." + entry.Key;
            if (entry.Value is not MapNode output || !output.TryGet("Value", out var value))
            {
                _problems.Report(entry.KeyLocation, path, "An output is a map with a Value.");
                continue;
            }

            if (output.Find("Condition") is not (null or ScalarNode))
                _problems.Report(entry.KeyLocation, path + ".Condition", "This must be the name of a condition.");
            if (output.FindText("Condition") is { } condition && Evaluator.Condition(condition, entry.KeyLocation, path) != true)
                continue;
            if ((output.Find("Export") as MapNode)?.Find("Name") is { } export)
                Evaluator.Evaluate(export, path + ".Export.Name");
            switch (Evaluator.Evaluate(value, path + ".Value"))
            {
                case ScalarNode scalar:
                    results.Add(KeyValuePair.Create(entry.Key, scalar.Text));
                    break;
                case UnresolvedNode:
                    break;
                case null:
                    _problems.Report(entry.KeyLocation, path, "The Value of an output must not be AWS::NoValue.");
                    break;
                default:
                    _problems.Report(entry.KeyLocation, path, "The Value of an output must be text; use Fn::Join for a list.");
                    break;
            }
        }

        return results;
    }

    /// <summary>The Lambda functions, with their properties evaluated as far as they are known by now.</summary>
    public IReadOnlyList<FunctionDeclaration> Functions() =>
        [.. Resources.Where(resource => resource.IsFunction).Select(resource => FunctionDeclaration.From(this, resource, EvaluateProperties(resource)))];

    public IReadOnlySet<string> FunctionArns() =>
        Functions().Select(function => $"arn:aws:lambda:{Settings.Region}:{Settings.AccountId}:function:{function.FunctionName}").ToHashSet();

    /// <summary>The SNS topics that the template declares.</summary>
    public IReadOnlySet<string> TopicArns() => Resources
        .Where(resource => resource.Type == "AWS::SNS::Topic")
        .Select(resource => Evaluator.Evaluate(new MapNode(resource.Location, [new MapEntry("Ref", resource.Location, new ScalarNode(resource.Location, resource.LogicalId))]), PropertiesPath(resource)))
        .OfType<ScalarNode>().Select(arn => arn.Text).ToHashSet();

    /// <summary>Evaluates everything once, so that every mistake of the template is known before anything starts.</summary>
    public void Check()
    {
        foreach (var resource in Resources)
            EvaluateProperties(resource);
        EvaluateOutputs();
    }

    private static MapNode? Section(MapNode root, string name, ProblemList problems)
    {
        var node = root.Find(name);
        if (node is not (null or MapNode or ScalarNode { Kind: ScalarKind.Null }))
            problems.Report(node.Location, name, "This section must be a map.");
        return node as MapNode;
    }

    private static TemplateResource? ReadResource(MapEntry entry, ProblemList problems)
    {
        var path = "Resources." + entry.Key;
        if (!entry.Key.All(char.IsAsciiLetterOrDigit))
            problems.Report(entry.KeyLocation, path, "A logical id has only letters and digits.");
        if (entry.Value is not MapNode declaration)
        {
            problems.Report(entry.KeyLocation, path, "A resource is a map with a Type.");
            return null;
        }

        foreach (var attribute in declaration.Entries.Where(attribute => !ResourceAttributes.Contains(attribute.Key)))
            problems.Report(attribute.KeyLocation, path, $"A resource has no attribute '{attribute.Key}'.{Suggestion.For(attribute.Key, ResourceAttributes)}");

        var type = declaration.FindText("Type");
        if (type is null)
        {
            problems.Report(entry.KeyLocation, path, "The resource has no Type.");
            return null;
        }

        if (declaration.Find("Condition") is not (null or ScalarNode))
            problems.Report(entry.KeyLocation, path + ".Condition", "This must be the name of a condition.");
        if (declaration.Find("DependsOn") is { } dependsOn && dependsOn is not ScalarNode && (dependsOn is not ListNode several || several.Items.Any(item => item is not ScalarNode)))
            problems.Report(dependsOn.Location, path + ".DependsOn", "This must be the name of a resource, or a list of names.");
        var properties = declaration.Find("Properties");
        var known = Unknown(entry.KeyLocation);
        if (properties is not (null or MapNode or ScalarNode { Kind: ScalarKind.Null }))
            problems.Report(properties.Location, path + ".Properties", "Properties must be a map.");
        else if (properties is MapNode { Entries: [{ Key: var function }] } && TemplateEvaluator.IsFunction(function))
            problems.Report(properties.Location, path + ".Properties", $"Properties must be a map; CloudFormation takes {function} only for the single properties.");
        else
            known = properties as MapNode ?? new MapNode(entry.KeyLocation, []);
        return new TemplateResource(entry.Key, type, entry.KeyLocation, known)
        {
            Condition = declaration.FindText("Condition"),
            DependsOn = declaration.Find("DependsOn") switch
            {
                ScalarNode single => [single],
                ListNode list => [.. list.Items.OfType<ScalarNode>()],
                _ => [],
            },
        };
    }
}
