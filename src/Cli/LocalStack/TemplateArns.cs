using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.LocalStack;

/// <summary>
/// Tells the ARNs of what the template declares from those of what exists elsewhere. The former are made up here and must
/// never be called: somebody else may own what they happen to name.
/// </summary>
internal sealed class TemplateArns
{
    // Shorter identifiers, such as the name of a stage, also occur in ARNs of others.
    private const int MinIdentifier = 6;

    private static readonly char[] Separators = [':', '/'];

    private readonly IReadOnlySet<string> _functions;
    private readonly HashSet<string> _identifiers = new(StringComparer.Ordinal);

    public TemplateArns(Template template)
    {
        _functions = template.FunctionArns();
        foreach (var resource in template.Resources.Where(resource => !resource.IsUdpGatewayResource))
        {
            var reference = new MapNode(resource.Location, [new MapEntry("Ref", resource.Location, new ScalarNode(resource.Location, resource.LogicalId))]);
            if (template.Evaluator.Evaluate(reference, "Resources." + resource.LogicalId) is ScalarNode { Text: var id } && id.Split(Separators)[^1] is { Length: >= MinIdentifier } name)
                _identifiers.Add(name);
        }
    }

    /// <param name="arn">Also with a qualifier: arn:aws:lambda:region:account:function:name[:qualifier].</param>
    public bool IsFunction(string arn) => _functions.Contains(string.Join(':', arn.Split(':').Take(7)));

    public bool IsDeclared(string arn) => arn.Split(Separators).Any(_identifiers.Contains);
}
