using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using UdpGateway.Cli.Client;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.Commands;

/// <summary>
/// <c>udpgw send ENDPOINT [MESSAGE…]</c>: a client for plain UDP and WireGuard that needs no network interface and no rights.
/// Replies go to stdout, everything else to stderr. 0 when replies came, 1 when none came, with --all too few came, or the input is wrong.
/// </summary>
internal static class SendCommand
{
    private static readonly Argument<string> Endpoint = new("ENDPOINT") { Description = "HOST:PORT of the listener." };
    private static readonly Argument<string[]> Messages = new("MESSAGE") { Description = "Each is one datagram ('hello' if there is none).", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string> PublicKey = new("--public-key") { HelpName = "KEY", Description = "The listener's WireGuard public key; without it the datagrams are plain UDP." };
    private static readonly Option<FileInfo> PrivateKey = new("--private-key") { HelpName = "FILE", Description = "File with this client's private key; a fresh key if absent." };
    private static readonly Option<FileInfo> PresharedKey = new("--psk") { HelpName = "FILE", Description = "File with the pre-shared key." };
    private static readonly Option<string> Inner = new("--inner") { HelpName = "ADDRESS:PORT", Description = "Where the messages go inside the tunnel (10.8.0.1:7)." };
    private static readonly Option<bool> Raw = new("--raw") { Description = "The messages are the tunnel's payload, without IP and UDP headers." };
    private static readonly Option<string> Ping = new("--ping") { HelpName = "ADDRESS", Description = "Ping this address inside the tunnel, instead of sending messages." };
    private static readonly Option<string> Address = new("--address") { HelpName = "ADDRESS", Description = "This client's address inside the tunnel (10.8.0.2, or fd00:8::2)." };
    private static readonly Option<int?> Count = new("--count") { HelpName = "N", Description = "How many datagrams (as many as there are messages)." };
    private static readonly Option<double> Interval = new("--interval") { HelpName = "SECONDS", Description = "Seconds between two datagrams (0)." };
    private static readonly Option<double?> Rate = new("--rate") { HelpName = "N", Description = "Datagrams per second, in place of --interval." };
    private static readonly Option<bool> Quiet = new("--quiet") { Description = "Only count the replies." };
    private static readonly Option<double> Timeout = new("--timeout") { HelpName = "SECONDS", Description = "Seconds to wait for replies after the last datagram.", DefaultValueFactory = _ => 5 };
    private static readonly Option<int?> Replies = new("--replies") { HelpName = "N", Description = "How many replies to wait for (as many as datagrams); 0 for all that come before --timeout." };
    private static readonly Option<bool> All = new("--all") { Description = "The exit code is 0 only when all these replies came, not already when one did." };
    private static readonly Option<bool> Hex = new("--hex") { Description = "Messages and replies are hexadecimal digits." };

    // Of each datagram the time is kept.
    private const int MaxCount = 10_000_000;

    public static Command Create()
    {
        var command = new Command("send", "Sends datagrams, plain or through WireGuard, and prints the replies.")
        {
            Endpoint, Messages, PublicKey, PrivateKey, PresharedKey, Inner, Raw, Ping, Address, Count, Interval, Rate, Timeout, Replies, All, Hex, Quiet,
        };
        command.SetAction(async (parseResult, cancellationToken) =>
        {
            try
            {
                return await RunAsync(parseResult, cancellationToken);
            }
            catch (SocketException exception)
            {
                throw new UserErrorException($"{parseResult.GetValue(Endpoint)} cannot be reached: {exception.Message}");
            }
        });
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parseResult, CancellationToken cancellationToken)
    {
        var text = new PayloadText(parseResult.GetValue(Hex));
        var messages = ReadMessages(parseResult, text);
        var count = parseResult.GetValue(Count) ?? messages.Length;
        if (count is < 1 or > MaxCount)
            throw new UserErrorException($"--count is {count}: expected 1 to {MaxCount}.");
        var replies = parseResult.GetValue(Replies) ?? count;
        if (replies is < 0 or > MaxCount)
            throw new UserErrorException($"--replies is {replies}: expected 0 to {MaxCount}.");
        var timeout = Seconds(parseResult, Timeout);
        var interval = ReadInterval(parseResult);
        var conversation = CreateConversation(parseResult, messages, text);
        var endpoint = await UdpEndpoint.ResolveAsync(parseResult.GetRequiredValue(Endpoint), cancellationToken);
        using var channel = OpenChannel(parseResult, endpoint);

        var run = new SendRun(channel, conversation, TimeProvider.System) { Count = count, Replies = replies > 0 ? replies : int.MaxValue, Timeout = timeout, Interval = interval };
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        // The first Ctrl-C ends it with the statistics, as with ping; the second ends the process.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal =>
        {
            signal.Cancel = !stopping.IsCancellationRequested;
            stopping.Cancel();
        });
        var statistics = await run.ExecuteAsync(parseResult.GetValue(Quiet) ? null : parseResult.InvocationConfiguration.Output, stopping.Token);

        var complaint = statistics.Replies == 0 && channel.Complaint is { } reason ? $": {reason}" : "";
        await parseResult.InvocationConfiguration.Error.WriteLineAsync($"{statistics}{complaint}");
        return statistics.Replies >= (parseResult.GetValue(All) ? Math.Max(replies, 1) : 1) ? 0 : CommandLine.UserError;
    }

    private static byte[][] ReadMessages(ParseResult parseResult, PayloadText text) =>
        parseResult.GetValue(Messages) is { Length: > 0 } messages ? [.. messages.Select(text.Read)] : ["hello"u8.ToArray()];

    private static TimeSpan Seconds(ParseResult parseResult, Option<double> option) =>
        parseResult.GetValue(option) is var seconds and >= 0 and <= 86_400
            ? TimeSpan.FromSeconds(seconds)
            : throw new UserErrorException($"{option.Name} is {parseResult.GetValue(option)}: expected seconds from 0 to 86400.");

    private static TimeSpan ReadInterval(ParseResult parseResult)
    {
        if (parseResult.GetValue(Rate) is not { } rate)
            return Seconds(parseResult, Interval);
        if (parseResult.GetResult(Interval) is { Implicit: false })
            throw new UserErrorException("Only one of --interval and --rate can be given.");
        return rate is >= 0.001 and <= 1_000_000
            ? TimeSpan.FromSeconds(1 / rate)
            : throw new UserErrorException($"--rate is {rate}: expected 0.001 to 1000000 datagrams per second.");
    }

    private static IConversation CreateConversation(ParseResult parseResult, byte[][] messages, PayloadText text)
    {
        var isTunnel = parseResult.GetValue(PublicKey) is not null;
        var tunnelOption = new Option[] { PrivateKey, PresharedKey, Inner, Raw, Ping, Address }.FirstOrDefault(option => parseResult.GetResult(option) is { Implicit: false });
        if (!isTunnel && tunnelOption is not null)
            throw new UserErrorException($"{tunnelOption.Name} needs --public-key: it is about a WireGuard tunnel.");

        var ping = parseResult.GetValue(Ping);
        var inner = parseResult.GetValue(Inner);
        var raw = parseResult.GetValue(Raw);
        if ((ping is null ? 0 : 1) + (inner is null ? 0 : 1) + (raw ? 1 : 0) > 1)
            throw new UserErrorException("Only one of --inner, --raw and --ping can be given.");

        if (!isTunnel || raw)
            return new RawConversation(messages, text);
        if (ping is not null)
        {
            if (!IPAddress.TryParse(ping, out var target))
                throw new UserErrorException($"--ping {ping} is no address.");
            return new InnerPingConversation(OwnAddress(parseResult, target), target, (ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue));
        }

        if (!UdpEndpoint.TryParse(inner ?? "10.8.0.1:7", out var destination))
            throw new UserErrorException($"--inner {inner} is no endpoint inside the tunnel: expected ADDRESS:PORT, for IPv6 [ADDRESS]:PORT.");
        var source = new IPEndPoint(OwnAddress(parseResult, destination.Address), RandomNumberGenerator.GetInt32(49_152, ushort.MaxValue));
        return new InnerUdpConversation(source, destination, messages, text);
    }

    private static IPAddress OwnAddress(ParseResult parseResult, IPAddress peer)
    {
        var text = parseResult.GetValue(Address) ?? (peer.AddressFamily == AddressFamily.InterNetwork ? "10.8.0.2" : "fd00:8::2");
        if (!IPAddress.TryParse(text, out var address))
            throw new UserErrorException($"--address {text} is no address.");
        if (address.AddressFamily != peer.AddressFamily)
            throw new UserErrorException($"--address {text} and {peer} are not of the same IP version.");
        return address;
    }

    private static IPayloadChannel OpenChannel(ParseResult parseResult, IPEndPoint endpoint)
    {
        if (parseResult.GetValue(PublicKey) is not { } publicKeyText)
            return new PlainChannel(endpoint);

        Span<byte> publicKey = stackalloc byte[SecretKey.Size];
        if (!KeyInput.TryDecode(publicKeyText, publicKey))
            throw new UserErrorException($"--public-key {publicKeyText} is no key: expected the base64 of 32 bytes.");
        var privateKey = ReadKeyFile(PrivateKey) ?? FreshKey();
        var presharedKey = ReadKeyFile(PresharedKey);
        return new WireGuardChannel(endpoint, privateKey, publicKey, presharedKey, TimeProvider.System);

        SecretKey? ReadKeyFile(Option<FileInfo> option)
        {
            if (parseResult.GetValue(option) is not { } file)
                return null;
            try
            {
                return KeyInput.TryParse(File.ReadAllText(file.FullName))
                    ?? throw new UserErrorException($"{option.Name} {file} holds no key: expected the base64 of 32 bytes.");
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new UserErrorException($"{option.Name} {file} cannot be read: {exception.Message}");
            }
        }
    }

    private static SecretKey FreshKey()
    {
        Span<byte> bytes = stackalloc byte[SecretKey.Size];
        WireGuardKeys.GeneratePrivateKey(bytes);
        var key = new SecretKey(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }
}
