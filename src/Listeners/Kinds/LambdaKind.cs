using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace UdpGateway.Listeners;

/// <summary>For whom a function with tenant isolation runs. At most one of the two is set.</summary>
public sealed record LambdaArguments
{
    /// <summary>The same tenant for every packet.</summary>
    public string? TenantId { get; init; }

    /// <summary>Each packet's tenant; an invocation has the packets of one.</summary>
    public KeyExpression? TenantIdExpression { get; init; }
}

/// <summary>The tenant ids of AWS Lambda.</summary>
/// <remarks>Source: AWS Lambda API Reference, "Invoke", X-Amz-Tenant-Id.</remarks>
public static partial class LambdaTenant
{
    public const string Form = "1 to 256 letters, digits, spaces and . _ : / = + - @ characters";

    public static bool IsValid([NotNullWhen(true)] string? tenantId) => tenantId is not null && Pattern().IsMatch(tenantId);

    [GeneratedRegex(@"\A[A-Za-z0-9._:/=+\-@ ]{1,256}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern();
}

internal static partial class LambdaKind
{
    private const string Literal = "TenantId";
    private const string Expression = "TenantIdExpression";

    /// <remarks>Source: Lambda Developer Guide, "FunctionName" of Invoke.</remarks>
    public static DestinationKind Kind { get; } = new("lambda", "Lambda", "arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]")
    {
        Accepts = arn => arn.Region.Length > 0 && arn.Account.Length > 0 && ResourcePattern().IsMatch(arn.Resource),
        BindArguments = static (arguments, _, bound) => bound with { Lambda = Bind(arguments) },
    };

    private static LambdaArguments Bind(PropertyBinder arguments)
    {
        // An empty string is what a parameter with an empty default gives.
        var literal = arguments.Text(Literal) is { Length: > 0 } text ? text : null;
        var expression = KeyExpressionBinder.Bind(arguments, Expression, "TenantIdFormatter");
        if (literal is not null && !LambdaTenant.IsValid(literal))
            arguments.Report(Literal, PropertyBinder.Quote(literal), $"must be {LambdaTenant.Form}", "tenant_id");
        if (literal is not null && expression is not null)
            arguments.Report(Literal, PropertyBinder.Quote(literal), $"cannot be combined with {Expression}; keep the one that names the tenant", "tenant_id_twice");
        return new LambdaArguments { TenantId = literal, TenantIdExpression = expression };
    }

    [GeneratedRegex(@"\Afunction:[a-zA-Z0-9_-]{1,64}(:(\$LATEST|[a-zA-Z0-9_-]{1,128}))?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ResourcePattern();
}
