using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Cli.Templates;
using UdpGateway.Listeners;

namespace UdpGateway.Cli.LocalStack;

/// <summary>
/// The secrets that the template declares and those that the user gives: kept under their names in the local store, where
/// references find them by name and by ARN. A generated secret is made once and stays over restarts. A declaration without
/// SecretString and GenerateSecretString makes a secret without a value, as on AWS.
/// </summary>
internal sealed class TemplateSecrets(ISecretStore store)
{
    private const string Lowercase = "abcdefghijklmnopqrstuvwxyz";
    private const string Uppercase = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    private const string Digits = "0123456789";
    private const string Punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

    /// <param name="files">From <c>--secret</c>: the file by the secret's name or logical id.</param>
    public async Task StoreAsync(Template template, IReadOnlyDictionary<string, string> files, ProblemList problems, CancellationToken cancellationToken)
    {
        var given = new Dictionary<string, string>(files);
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
        }

        foreach (var (name, file) in given)
            await store.WriteAsync(name, await ReadAsync(name, file, cancellationToken), cancellationToken);
    }

    /// <summary>The environment with dynamic references resolved, as CloudFormation does for native resources.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ResolveAsync(FunctionDeclaration function, ProblemList problems, CancellationToken cancellationToken)
    {
        var resolved = new Dictionary<string, string>();
        foreach (var (name, value) in function.Environment)
        {
            var path = $"Resources.{function.LogicalId}.Properties.Environment.Variables.{name}";
            if (!value.Contains("{{resolve:", StringComparison.Ordinal))
            {
                resolved[name] = value;
            }
            else if (!SecretReferenceText.TryParse(value, out var reference, out var fault))
            {
                problems.Report(function.Location, path, $"The reference {fault}.");
            }
            else
            {
                var secret = await store.ReadAsync(reference, cancellationToken);
                if (secret.Value is { } text)
                    resolved[name] = text;
                else
                    problems.Report(function.Location, path, $"The secret {reference.SecretId} does not exist here, or not in the form that the reference names; give it with --secret NAME=FILE.");
            }
        }

        return resolved;
    }

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
