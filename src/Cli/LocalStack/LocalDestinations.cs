using Amazon.Runtime;
using UdpGateway.Aws;
using UdpGateway.Gateway;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Cli.LocalStack;

/// <summary>
/// Where packets go without an AWS account: functions of the template run here; other functions at AWS_ENDPOINT_URL if that is
/// set, else into a file, so that one can see what would have been sent.
/// </summary>
internal sealed class LocalDestinations(string region, IReadOnlySet<string> functionArns, Uri functions, Uri? awsEndpoint, string folder, Action<string> say) : IDestinationClients, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Uri, LambdaClient> _clients = [];
    private readonly Dictionary<string, PayloadFile> _files = [];

    public ILambda Lambda(ListenerRecord listener, DestinationDefinition destination, string arn)
    {
        lock (_gate)
        {
            if (functionArns.Contains(Unqualified(arn)))
                return Client(functions);
            if (awsEndpoint is not null)
                return Client(awsEndpoint);
            if (!_files.TryGetValue(destination.Name, out var file))
            {
                file = new PayloadFile(folder, destination.Name);
                _files.Add(destination.Name, file);
                say($"{destination.Name}: {arn} is not a function of the template; what it would get goes to {file.Path}.");
            }

            return file;
        }
    }

    public void Dispose()
    {
        foreach (var client in _clients.Values)
            client.Dispose();
    }

    // The credentials are worth nothing: they only give the request the form of a signed one.
    private LambdaClient Client(Uri endpoint)
    {
        if (!_clients.TryGetValue(endpoint, out var client))
        {
            client = new LambdaClient(new BasicAWSCredentials("local", "local"), region, endpoint);
            _clients.Add(endpoint, client);
        }

        return client;
    }

    // arn:aws:lambda:region:account:function:name[:qualifier]
    private static string Unqualified(string arn) => string.Join(':', arn.Split(':').Take(7));
}

/// <summary>Takes each payload as one line of a file and answers nothing.</summary>
internal sealed class PayloadFile(string folder, string destinationName) : ILambda
{
    private readonly Lock _gate = new();

    /// <summary>Destination names have only letters, digits and hyphens, so this stays within the folder.</summary>
    public string Path { get; } = System.IO.Path.Combine(folder, destinationName + ".ndjson");

    public Task<InvokeResponse> InvokeAsync(InvokeRequest request, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            Directory.CreateDirectory(folder);
            using var file = new FileStream(Path, FileMode.Append, FileAccess.Write, FileShare.Read);
            file.Write(request.Payload.Span);
            file.WriteByte((byte)'\n');
        }

        return Task.FromResult(request.InvocationType == InvocationType.Event
            ? new InvokeResponse(202, null, ReadOnlyMemory<byte>.Empty)
            : new InvokeResponse(200, null, "null"u8.ToArray()));
    }
}
