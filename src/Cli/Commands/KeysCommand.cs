using System.CommandLine;
using System.Security.Cryptography;
using UdpGateway.Cli.Client;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.Commands;

/// <summary><c>udpgw keys new|public|psk</c>: like <c>wg genkey</c>, <c>wg pubkey</c> and <c>wg genpsk</c>; base64 on stdout and nothing else.</summary>
internal static class KeysCommand
{
    public static Command Create() => new("keys", "Makes WireGuard keys.")
    {
        Verb("new", "Prints a new private key.", output => WriteGenerated(output, WireGuardKeys.GeneratePrivateKey)),
        Verb("psk", "Prints a new pre-shared key.", output => WriteGenerated(output, WireGuardKeys.GeneratePresharedKey)),
        PublicVerb(),
    };

    private static Command Verb(string name, string description, Action<TextWriter> write)
    {
        var command = new Command(name, description);
        command.SetAction(parseResult => write(parseResult.InvocationConfiguration.Output));
        return command;
    }

    private static Command PublicVerb()
    {
        var command = new Command("public", "Reads a private key from standard input and prints its public key.");
        command.SetAction(parseResult =>
        {
            using var privateKey = KeyInput.TryParse(Console.In.ReadLine())
                ?? throw new UserErrorException("Standard input holds no private key: expected the base64 of 32 bytes, as `udpgw keys new` prints it.");
            Span<byte> publicKey = stackalloc byte[SecretKey.Size];
            WireGuardKeys.ComputePublicKey(privateKey.Bytes, publicKey);
            parseResult.InvocationConfiguration.Output.WriteLine(Convert.ToBase64String(publicKey));
        });
        return command;
    }

    private static void WriteGenerated(TextWriter output, RandomFill generate)
    {
        Span<byte> key = stackalloc byte[SecretKey.Size];
        generate(key);
        output.WriteLine(Convert.ToBase64String(key));
        CryptographicOperations.ZeroMemory(key);
    }
}
