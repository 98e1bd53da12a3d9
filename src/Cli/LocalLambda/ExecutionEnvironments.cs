using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace UdpGateway.Cli.LocalLambda;

/// <summary>Every live execution environment by the token in the path of its Runtime API.</summary>
internal sealed class ExecutionEnvironments
{
    private readonly ConcurrentDictionary<string, ExecutionEnvironment> _byToken = new(StringComparer.Ordinal);

    /// <summary>Host and port of the Runtime API; set before the first environment starts.</summary>
    public string Authority { get; set; } = "";

    public void Add(ExecutionEnvironment environment) => _byToken[environment.Token] = environment;

    public void Remove(ExecutionEnvironment environment) => _byToken.TryRemove(environment.Token, out _);

    public bool TryFind(string token, [NotNullWhen(true)] out ExecutionEnvironment? environment) => _byToken.TryGetValue(token, out environment);

    public string RuntimeApi(ExecutionEnvironment environment) => $"{Authority}/{environment.Token}";
}
