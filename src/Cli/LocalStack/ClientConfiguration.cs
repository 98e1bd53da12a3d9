using System.Security.Cryptography;
using System.Text;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.LocalStack;

/// <summary>
/// Writes <c>client.conf</c>, a complete configuration of wg-quick for a client of a listener. Its key pair is made once;
/// it changes with the directory, not with the listener.
/// </summary>
internal sealed class ClientConfiguration(StateDirectory directory, ISecretStore secrets)
{
    private const string FileName = "client.conf";
    private const string PrivateKeyLine = "PrivateKey = ";

    public string Path => directory.PathOf(FileName);

    /// <summary>Returns the text that was written.</summary>
    public async Task<string> WriteAsync(ListenerRecord listener, string endpoint, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        if (!listener.Definition.AllowUnknownPeers)
            text.Append("# This listener knows its peers by name: replace PrivateKey (and PresharedKey) by those of one of them.\n");
        text.Append("[Interface]\n").Append(PrivateKeyLine).Append(ReadPrivateKey() ?? GeneratePrivateKey())
            .Append("\nAddress = 10.8.0.2/32\n\n[Peer]\nPublicKey = ").Append(listener.WireGuardPublicKey).Append('\n');
        if (listener.Definition.AllowUnknownPeers && await ReadPresharedKeyAsync(listener, cancellationToken) is { } presharedKey)
            text.Append("PresharedKey = ").Append(presharedKey).Append('\n');
        text.Append("AllowedIPs = 10.8.0.1/32\nEndpoint = ").Append(endpoint).Append("\nPersistentKeepalive = 25\n");

        var configuration = text.ToString();
        directory.Replace(FileName, Encoding.UTF8.GetBytes(configuration));
        return configuration;
    }

    private async Task<string?> ReadPresharedKeyAsync(ListenerRecord listener, CancellationToken cancellationToken)
    {
        var reference = listener.Definition.UnknownPeerPreSharedKey switch
        {
            ListenerSecretField field when listener.SecretId is { } secretId => new SecretReference(secretId, field.Field),
            SecretReference given => given,
            _ => null,
        };
        return reference is null ? null : (await secrets.ReadAsync(reference, cancellationToken)).Value?.Trim();
    }

    private string? ReadPrivateKey()
    {
        var line = directory.Read(FileName) is { } content
            ? Encoding.UTF8.GetString(content).Split('\n').FirstOrDefault(candidate => candidate.StartsWith(PrivateKeyLine, StringComparison.Ordinal))
            : null;
        return line?[PrivateKeyLine.Length..].Trim();
    }

    private static string GeneratePrivateKey()
    {
        Span<byte> key = stackalloc byte[KeyText.KeySize];
        WireGuardKeys.GeneratePrivateKey(key);
        var text = Convert.ToBase64String(key);
        CryptographicOperations.ZeroMemory(key);
        return text;
    }
}
