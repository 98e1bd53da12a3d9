namespace UdpGateway.Cli.Templates;

/// <summary>Tells functions that must run from those that only happen to be in the template.</summary>
internal static class DeclaredFunctions
{
    /// <summary>
    /// A function that cannot run here is a problem when it is a destination; any other is left alone, with a note.
    /// </summary>
    public static void Check(Template template, ProblemList problems)
    {
        var sent = string.Concat(template.Resources
            .Where(resource => resource.IsUdpGatewayResource)
            .Select(template.EvaluateProperties)
            .Where(properties => TemplateEvaluator.FindUnresolved(properties) is null)
            .Select(properties => CloudFormationJson.ToResourceProperties(properties)!.ToJsonString()));
        foreach (var function in template.Functions())
        {
            var path = $"Resources.{function.LogicalId}";
            if (function.Obstacle is { } obstacle && sent.Contains($":function:{function.FunctionName}", StringComparison.Ordinal))
                problems.Report(function.Location, path, obstacle);
            else if (function.Obstacle is not null)
                problems.Note(function.Location, path, $"The function is not run. {function.Obstacle}");
        }
    }
}
