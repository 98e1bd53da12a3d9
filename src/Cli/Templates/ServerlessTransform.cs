namespace UdpGateway.Cli.Templates;

/// <summary>
/// The part of SAM that matters here: Globals of functions, and the resources that SAM adds and templates refer to.
/// </summary>
internal static class ServerlessTransform
{
    private static readonly string[] GlobalSections = ["Function", "Api", "HttpApi", "SimpleTable", "StateMachine", "LayerVersion", "CapacityProvider", "WebSocketApi"];

    public static IReadOnlyList<TemplateResource> Apply(IReadOnlyList<TemplateResource> declared, MapNode? globals, bool usesServerless, ProblemList problems)
    {
        if (!usesServerless)
        {
            if (globals is not null)
                problems.Report(globals.Location, "Globals", "The section Globals needs 'Transform: AWS::Serverless-2016-10-31'.");
            foreach (var resource in declared.Where(resource => resource.Type.StartsWith("AWS::Serverless::", StringComparison.Ordinal)))
                problems.Report(resource.Location, "Resources." + resource.LogicalId, $"The type {resource.Type} needs 'Transform: AWS::Serverless-2016-10-31'.");
        }

        foreach (var entry in (usesServerless ? globals?.Entries : null) ?? [])
        {
            if (!GlobalSections.Contains(entry.Key))
                problems.Report(entry.KeyLocation, "Globals", $"SAM has no Globals for '{entry.Key}'.{Suggestion.For(entry.Key, GlobalSections)}");
        }

        var functionGlobals = globals?.Find("Function") as MapNode;
        var resources = declared
            .Select(resource => resource.Type == "AWS::Serverless::Function" && functionGlobals is not null
                ? resource with { Properties = (MapNode)Merge(functionGlobals, resource.Properties) }
                : resource)
            .ToList();

        var names = declared.Select(resource => resource.LogicalId).ToHashSet();
        foreach (var implied in resources.ToList().SelectMany(Implied))
        {
            if (names.Add(implied.LogicalId))
                resources.Add(implied);
        }

        return resources;
    }

    /// <summary>SAM's rule: maps merge, lists are appended, anything else is overridden.</summary>
    private static TemplateNode Merge(TemplateNode general, TemplateNode particular)
    {
        if (general is ListNode first && particular is ListNode second)
            return new ListNode(particular.Location, [.. first.Items, .. second.Items]);
        if (general is not MapNode left || particular is not MapNode right || IsCall(left) || IsCall(right))
            return particular;
        var entries = left.Entries.Where(entry => !right.TryGet(entry.Key, out _)).ToList();
        entries.AddRange(right.Entries.Select(entry => left.TryGet(entry.Key, out var inherited) ? entry with { Value = Merge(inherited, entry.Value) } : entry));
        return new MapNode(right.Location, entries);
    }

    private static bool IsCall(MapNode map) => map.Entries is [var only] && (only.Key == "Ref" || only.Key.StartsWith("Fn::", StringComparison.Ordinal));

    private static IEnumerable<TemplateResource> Implied(TemplateResource resource)
    {
        var properties = resource.Properties;
        switch (resource.Type)
        {
            case "AWS::Serverless::Function":
                if (!properties.TryGet("Role", out _))
                    yield return Make("Role", "AWS::IAM::Role");
                if (properties.TryGet("FunctionUrlConfig", out _))
                    yield return Make("Url", "AWS::Lambda::Url");
                if (properties.TryGet("EventInvokeConfig", out _))
                    yield return Make("EventInvokeConfig", "AWS::Lambda::EventInvokeConfig");
                if (properties.FindText("AutoPublishAlias") is { } alias)
                {
                    yield return Make("Alias" + alias, "AWS::Lambda::Alias");
                    yield return Make("Version", "AWS::Lambda::Version");
                }

                foreach (var entry in (properties.Find("Events") as MapNode)?.Entries ?? [])
                {
                    var type = (entry.Value as MapNode)?.FindText("Type");
                    yield return Make(entry.Key, type is "Schedule" or "EventBridgeRule" or "CloudWatchEvent" ? "AWS::Events::Rule" : "AWS::Lambda::EventSourceMapping");
                    if (type == "Api")
                        yield return new TemplateResource("ServerlessRestApi", "AWS::ApiGateway::RestApi", resource.Location, new MapNode(resource.Location, []));
                    else if (type == "HttpApi")
                        yield return new TemplateResource("ServerlessHttpApi", "AWS::ApiGatewayV2::Api", resource.Location, new MapNode(resource.Location, []));
                }

                break;
            case "AWS::Serverless::StateMachine":
                if (!properties.TryGet("Role", out _))
                    yield return Make("Role", "AWS::IAM::Role");
                break;
            case "AWS::Serverless::Api":
                yield return Make((properties.FindText("StageName") ?? "") + "Stage", "AWS::ApiGateway::Stage");
                break;
        }

        TemplateResource Make(string suffix, string type) =>
            new(resource.LogicalId + suffix, type, resource.Location, new MapNode(resource.Location, [])) { Condition = resource.Condition };
    }
}
