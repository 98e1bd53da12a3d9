using System.Text.RegularExpressions;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>
/// How a caller names a function: <c>name</c>, <c>account:function:name</c> or the ARN, each with an optional qualifier. Every
/// qualifier means the one code that is here.
/// </summary>
internal readonly partial record struct FunctionReference(string? Region, string? AccountId, string Name, string? Qualifier)
{
    public static FunctionReference? Parse(string text)
    {
        var match = Pattern().Match(text);
        if (!match.Success) return null;
        return new FunctionReference(Value("region"), Value("account"), Value("name")!, Value("qualifier"));

        string? Value(string group) => match.Groups[group] is { Success: true, Value: var value } ? value : null;
    }

    // https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html, FunctionName
    [GeneratedRegex(
        @"^(?:(?:arn:aws[a-zA-Z-]*:lambda:(?<region>[a-z0-9-]+):)?(?<account>[0-9]{12}):function:|function:)?(?<name>[a-zA-Z0-9_-]{1,140})(?::(?<qualifier>\$LATEST|[a-zA-Z0-9_-]{1,128}))?\z",
        RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern();
}
