using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using UdpGateway.Cli.Templates;
using UdpGateway.Listeners;

namespace UdpGateway.Cli.LocalStack;

/// <summary>
/// The secrets that the template declares and those that the user gives: kept under their names in the local store, where
/// references find them by name and by ARN. A generated secret is made once and stays over restarts. A declaration without
/// SecretString and GenerateSecretString makes a secret without a value, as on AWS.
/// </summary>
internal sealed partial class TemplateSecrets(ISecretStore store)
{
    /// <summary>Parameters of the SSM parameter store are kept beside the secrets; a colon is in no secret's name.</summary>
    private const string ParameterPrefix = "ssm:";

    private const string Lowercase = "abcdefghijklmnopqrstuvwxyz";
    private const string Uppercase = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    private const string Digits = "0123456789";
    private const string Punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// <summary>What to say about names of <c>--secret</c> that mean nothing here: nobody reads what they give.</summary>
    public static IEnumerable<string> ExplainUnused(Template template, IEnumerable<string> names)
    {
        var declared = template.Resources.Where(resource => resource.IsSecret).ToList();
        var known = declared.Select(resource => resource.LogicalId).Concat(declared.Select(resource => template.EvaluateProperties(resource).FindText("Name")).OfType<string>()).ToHashSet();
        return from name in names
               where !known.Contains(name) && !template.Resources.Any(resource => Names(resource.Properties, name) || Names(template.EvaluateProperties(resource), name))
               select $"--secret {name}: the template makes no secret of that name, and nothing refers to one.{Suggestion.For(name, known)}";
    }

    private static bool Names(TemplateNode node, string secret) => node switch
    {
        ScalarNode scalar => scalar.Text.Contains(secret, StringComparison.Ordinal),
        ListNode list => list.Items.Any(item => Names(item, secret)),
        MapNode map => map.Entries.Any(entry => Names(entry.Value, secret)),
        _ => false,
    };

    /// <param name="files">From <c>--secret</c>: the file by the secret's name or logical id.</param>
    /// <returns>The declared secrets that have no value yet.</returns>
    public async Task<IReadOnlyList<string>> StoreAsync(Template template, IReadOnlyDictionary<string, string> files, ProblemList problems, CancellationToken cancellationToken)
    {
        var given = new Dictionary<string, string>(files);
        var empty = new List<string>();
        foreach (var resource in template.Resources.Where(resource => resource.IsSecret))
        {
            var properties = template.EvaluateProperties(resource);
            if (TemplateEvaluator.FindUnresolved(properties) is not null)
                continue;
            var name = properties.FindText("Name") ?? new ResourceValues(template.Settings).GeneratedName(resource);
            if (given.Remove(name, out var file) || given.Remove(resource.LogicalId, out file))
                await store.WriteAsync(name, await ReadAsync(resource.LogicalId, file, cancellationToken), cancellationToken);
            else if (properties.FindText("SecretString") is { } text)
                await store.WriteAsync(name, text, cancellationToken);
            else if (properties.Find("GenerateSecretString") is MapNode rules
                && (await store.ReadAsync(new SecretReference(name), cancellationToken)).Status != SecretReadStatus.Found
                && Generate(rules, Template.PropertiesPath(resource) + ".GenerateSecretString", problems) is { } generated)
                await store.WriteAsync(name, generated, cancellationToken);
            else if ((await store.ReadAsync(new SecretReference(name), cancellationToken)).Status != SecretReadStatus.Found)
                empty.Add(resource.LogicalId);
        }

        foreach (var resource in template.Resources.Where(resource => resource.Type == "AWS::SSM::Parameter"))
        {
            var properties = template.EvaluateProperties(resource);
            if (properties.FindText("Value") is { } value && TemplateEvaluator.FindUnresolved(properties) is null)
                await store.WriteAsync(ParameterPrefix + (properties.FindText("Name") ?? new ResourceValues(template.Settings).GeneratedName(resource)), value, cancellationToken);
        }

        foreach (var (name, file) in given)
            await store.WriteAsync(name, await ReadAsync(name, file, cancellationToken), cancellationToken);
        return empty;
    }

    /// <summary>The environment with dynamic references resolved, as CloudFormation does for native resources.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ResolveAsync(FunctionDeclaration function, ProblemList problems, CancellationToken cancellationToken)
    {
        var resolved = new Dictionary<string, string>();
        foreach (var (name, value) in function.Environment)
        {
            var path = $"Resources.{function.LogicalId}.Properties.Environment.Variables.{name}";
            var text = new StringBuilder();
            var rest = 0;
            foreach (Match match in DynamicReference().Matches(value))
            {
                text.Append(value, rest, match.Index - rest);
                rest = match.Index + match.Length;
                text.Append(await ResolveAsync(match, function.Location, path, problems, cancellationToken));
            }

            resolved[name] = text.Append(value, rest, value.Length - rest).ToString();
        }

        return resolved;
    }

    /// <summary>Null when the problem is reported.</summary>
    private async Task<string?> ResolveAsync(Match reference, SourceLocation location, string path, ProblemList problems, CancellationToken cancellationToken)
    {
        switch (reference.Groups["service"].Value)
        {
            case "ssm":
                // A version after the name counts what the parameter store has seen; here there is only what is now.
                var name = reference.Groups["rest"].Value.Split(':')[0];
                var parameter = await store.ReadAsync(new SecretReference(ParameterPrefix + name), cancellationToken);
                if (parameter.Value is null)
                    parameter = await store.ReadAsync(new SecretReference(name), cancellationToken);
                if (parameter.Value is null)
                    problems.Report(location, path, $"The parameter {name} of the SSM parameter store does not exist here; declare it as an AWS::SSM::Parameter, or give it with --secret {name}=FILE.");
                return parameter.Value;
            case "ssm-secure":
                problems.Report(location, path, "CloudFormation resolves no ssm-secure reference in the environment of a function; read the parameter in the function.");
                return null;
            default:
                if (!SecretReferenceText.TryParse(reference.Value, out var secretReference, out var fault))
                {
                    problems.Report(location, path, $"The reference {fault}.");
                    return null;
                }

                var secret = await store.ReadAsync(secretReference, cancellationToken);
                if (secret.Value is null)
                    problems.Report(location, path, $"The secret {secretReference.SecretId} does not exist here, or not in the form that the reference names; give it with --secret NAME=FILE.");
                return secret.Value;
        }
    }

    // A reference holds no braces; one that does is left to SecretReferenceText to complain about.
    [GeneratedRegex(@"\{\{resolve:(?<service>[a-z-]*):?(?<rest>.*?)\}\}|\{\{resolve:.*\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture | RegexOptions.Singleline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DynamicReference();

    private static async Task<string> ReadAsync(string name, string file, CancellationToken cancellationToken)
    {
        try
        {
            return (await File.ReadAllTextAsync(file, cancellationToken)).TrimEnd('\r', '\n');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--secret {name}={file}: the file cannot be read: {exception.Message}");
        }
    }

    /// <summary>GenerateSecretString with its defaults: 32 characters with at least one of each included kind.</summary>
    private static string? Generate(MapNode rules, string path, ProblemList problems)
    {
        var excluded = rules.FindText("ExcludeCharacters") ?? "";
        var kinds = new List<string>();
        AddKind("ExcludeLowercase", Lowercase);
        AddKind("ExcludeUppercase", Uppercase);
        AddKind("ExcludeNumbers", Digits);
        AddKind("ExcludePunctuation", Punctuation);
        if (IsTrue("IncludeSpace"))
            kinds.Add(" ");

        var length = 32;
        if (rules.FindText("PasswordLength") is { } declared && (!int.TryParse(declared, NumberStyles.None, CultureInfo.InvariantCulture, out length) || length is < 1 or > 4096))
        {
            problems.Report(rules.Location, path + ".PasswordLength", $"'{declared}' is not a length of 1 to 4096.");
            return null;
        }

        if (kinds.Count == 0)
        {
            problems.Report(rules.Location, path, "Every character is excluded.");
            return null;
        }

        var characters = RandomNumberGenerator.GetItems<char>(string.Concat(kinds), length);
        if (rules.FindText("RequireEachIncludedType") != "false" && length >= kinds.Count)
        {
            for (var index = 0; index < kinds.Count; index++)
                characters[index] = kinds[index][RandomNumberGenerator.GetInt32(kinds[index].Length)];
            RandomNumberGenerator.Shuffle<char>(characters);
        }

        var password = new string(characters);
        if (rules.FindText("GenerateStringKey") is not { } key)
            return password;
        try
        {
            if (JsonNode.Parse(rules.FindText("SecretStringTemplate") ?? "{}") is JsonObject secret)
            {
                secret[key] = password;
                return secret.ToJsonString();
            }
        }
        catch (JsonException)
        {
            problems.Report(rules.Location, path + ".SecretStringTemplate", "This is no JSON.");
            return null;
        }

        problems.Report(rules.Location, path + ".SecretStringTemplate", "This must be a JSON object.");
        return null;

        bool IsTrue(string name) => rules.FindText(name) == "true";

        void AddKind(string exclusion, string all)
        {
            var allowed = string.Concat(all.Except(excluded));
            if (!IsTrue(exclusion) && allowed.Length > 0)
                kinds.Add(allowed);
        }
    }
}
