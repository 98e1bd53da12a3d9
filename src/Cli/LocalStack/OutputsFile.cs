using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using UdpGateway.Listeners;

namespace UdpGateway.Cli.LocalStack;

/// <summary>
/// The file of <c>--outputs</c>, for scripts: its existence says that everything serves. It appears in one step.
/// </summary>
internal static class OutputsFile
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Whether there is where to write it, before anything is started.</summary>
    /// <exception cref="UserErrorException">There is not.</exception>
    public static void Check(string file)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(file));
        if (Directory.Exists(file))
            throw new UserErrorException($"--outputs {file}: this is a folder; name a file in it.");
        if (!Directory.Exists(folder))
            throw new UserErrorException($"--outputs {file}: there is no folder {folder}.");
    }

    /// <exception cref="UserErrorException">The file cannot be written.</exception>
    public static void Write(string file, RunningStack stack, RunSettings settings)
    {
        var document = new JsonObject
        {
            ["Listeners"] = new JsonArray([.. stack.Listeners.Select(listener => Describe(listener, settings))]),
            ["Outputs"] = new JsonObject(stack.Outputs.Select(output => KeyValuePair.Create(output.Key, (JsonNode?)output.Value))),
            ["Admin"] = stack.AdminAddress.ToString().TrimEnd('/'),
        };
        try
        {
            var path = Path.GetFullPath(file);
            var temporary = $"{path}.{Path.GetRandomFileName()}.tmp";
            File.WriteAllText(temporary, document.ToJsonString(Json) + "\n");
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"--outputs {file}: the file cannot be written: {exception.Message}");
        }
    }

    public static string Protocol(ServedListener listener) => listener.Record.Definition.Protocol == ListenerProtocol.WireGuard ? "wg" : "udp";

    public static IPEndPoint Endpoint(ServedListener listener, RunSettings settings) => new(settings.ClientAddress, listener.Record.Port);

    private static JsonObject Describe(ServedListener listener, RunSettings settings)
    {
        var described = new JsonObject
        {
            ["LogicalId"] = listener.LogicalId,
            ["Name"] = listener.Record.Definition.Name,
            ["Protocol"] = Protocol(listener),
            ["Address"] = settings.ClientAddress.ToString(),
            ["Port"] = listener.Record.Port,
            ["Endpoint"] = Endpoint(listener, settings).ToString(),
        };
        if (listener.Record.WireGuardPublicKey is { } publicKey)
            described["WireGuardPublicKey"] = publicKey;
        described["DestinationNames"] = new JsonArray([.. listener.Record.Definition.Destinations.Select(destination => (JsonNode)destination.Name)]);
        return described;
    }
}
