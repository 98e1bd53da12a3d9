using Amazon.Runtime;
using UdpGateway.Aws;
using UdpGateway.Gateway;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Cli.LocalStack;

/// <summary>
/// Where packets go without an AWS account: functions of the template run here; everything else at AWS_ENDPOINT_URL if that is
/// set, else into a file, so that one can see what would have been sent. With an access key in the environment, calls to
/// AWS_ENDPOINT_URL are made with the destination's role, as on AWS.
/// </summary>
internal sealed class LocalDestinations : IDestinationClients, IDisposable
{
    private const string DeadLetters = "-dead-letters";

    private readonly string _region;
    private readonly IReadOnlySet<string> _functionArns;
    private readonly Uri _functions;
    private readonly Uri? _awsEndpoint;
    private readonly string _folder;
    private readonly Action<string> _say;
    private readonly AWSCredentials? _own;
    private readonly DestinationCredentials? _roles;
    private readonly Lock _gate = new();
    private readonly List<AwsConnection> _connections = [];
    private readonly Dictionary<string, PayloadFile> _files = [];

    // Worth nothing where nobody checks: they only give the request the form of a signed one.
    private static readonly AWSCredentials Anybody = new BasicAWSCredentials("local", "local");

    public LocalDestinations(string region, IReadOnlySet<string> functionArns, Uri functions, Uri? awsEndpoint, string folder, Action<string> say)
    {
        _region = region;
        _functionArns = functionArns;
        _functions = functions;
        _awsEndpoint = awsEndpoint;
        _folder = folder;
        _say = say;
        if (awsEndpoint is not null && !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(EnvironmentVariablesAWSCredentials.ENVIRONMENT_VARIABLE_ACCESSKEY)))
        {
            _own = new EnvironmentVariablesAWSCredentials();
            _roles = new DestinationCredentials(_own, region, awsEndpoint);
        }
    }

    public ILambda Lambda(ListenerRecord listener, DestinationDefinition destination, string arn)
    {
        if (_functionArns.Contains(Unqualified(arn)))
            return new LambdaClient(Keep(new AwsConnection(Anybody, _region, _functions)));
        return Arn.TryParse(arn, out var function)
            ? new LambdaClient(Connect(listener, destination, function))
            : throw new ListenerNotServedException($"Destination {destination.Name}: \"{arn}\" is no ARN.");
    }

    public AwsConnection Connect(ListenerRecord listener, DestinationDefinition destination, Arn arn)
    {
        var region = arn.Region.Length > 0 ? arn.Region : _region;
        if (_awsEndpoint is null)
            return Keep(new AwsConnection(FileOf(arn.ToString() == destination.DeadLetterArn ? destination.Name + DeadLetters : destination.Name, arn), region));
        var credentials = destination.RoleArn is { } role && _roles is not null
            ? _roles.For(role, listener.StackId, $"udpgw-{listener.PhysicalResourceId}")
            : _own ?? Anybody;
        return Keep(new AwsConnection(credentials, region, _awsEndpoint));
    }

    public void Dispose()
    {
        foreach (var connection in _connections)
            connection.Dispose();
        _roles?.Dispose();
    }

    private AwsConnection Keep(AwsConnection connection)
    {
        lock (_gate)
            _connections.Add(connection);
        return connection;
    }

    private PayloadFile FileOf(string destinationName, Arn arn)
    {
        lock (_gate)
        {
            if (!_files.TryGetValue(destinationName, out var file))
            {
                file = new PayloadFile(_folder, destinationName);
                _files.Add(destinationName, file);
                _say(arn.Service == "lambda"
                    ? $"{destinationName}: {arn} is not a function of the template; what it would get goes to {file.Path}."
                    : $"{destinationName}: AWS_ENDPOINT_URL is not set; what {arn} would get goes to {file.Path}.");
            }

            return file;
        }
    }

    // arn:aws:lambda:region:account:function:name[:qualifier]
    private static string Unqualified(string arn) => string.Join(':', arn.Split(':').Take(7));
}

/// <summary>Takes each payload as one line of a file.</summary>
internal sealed class PayloadFile(string folder, string destinationName) : IPayloadRecorder
{
    private readonly Lock _gate = new();

    /// <summary>Destination names have only letters, digits and hyphens, so this stays within the folder.</summary>
    public string Path { get; } = System.IO.Path.Combine(folder, destinationName + ".ndjson");

    public void Record(ReadOnlySpan<byte> payload)
    {
        lock (_gate)
        {
            Directory.CreateDirectory(folder);
            using var file = new FileStream(Path, FileMode.Append, FileAccess.Write, FileShare.Read);
            file.Write(payload);
            file.WriteByte((byte)'\n');
        }
    }
}
