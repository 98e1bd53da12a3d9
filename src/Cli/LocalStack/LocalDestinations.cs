using Amazon.Runtime;
using UdpGateway.Aws;
using UdpGateway.Gateway;
using UdpGateway.Listeners;
using UdpGateway.Listeners.Storage;

namespace UdpGateway.Cli.LocalStack;

/// <summary>
/// Where packets go without an AWS account: functions of the template run here; everything else at AWS_ENDPOINT_URL if that is
/// set, else into a file, so that one can see what would have been sent. With an access key in the environment, calls to
/// AWS_ENDPOINT_URL are made with the destination's role, as on AWS. With a profile, destinations that the template does not
/// itself declare are called with the profile's credentials; the roles of the template exist nowhere yet.
/// </summary>
internal sealed class LocalDestinations : IDestinationClients, IDisposable
{
    private const string DeadLetters = "-dead-letters";

    private readonly string _region;
    private readonly Uri _functions;
    private readonly Uri? _awsEndpoint;
    private readonly AwsProfile? _profile;
    private readonly string _folder;
    private readonly string _reportFolder;
    private readonly Action<string> _say;
    private readonly AWSCredentials? _own;
    private readonly DestinationCredentials? _roles;
    private readonly Lock _gate = new();
    private readonly List<AwsConnection> _connections = [];
    private readonly Dictionary<string, PayloadFile> _files = [];
    private readonly Dictionary<string, PayloadFile> _reportFiles = [];

    // Worth nothing where nobody checks: they only give the request the form of a signed one.
    private static readonly AWSCredentials Anybody = new BasicAWSCredentials("local", "local");

    public LocalDestinations(
        string region, TemplateArns template, Uri functions, Uri? awsEndpoint, AwsProfile? profile, string folder, string reportFolder, Action<string> say)
    {
        _region = region;
        Template = template;
        _functions = functions;
        _awsEndpoint = awsEndpoint;
        _profile = profile;
        _folder = folder;
        _reportFolder = reportFolder;
        _say = say;
        if (profile is not null)
        {
            _own = profile.Credentials;
        }
        else if (awsEndpoint is not null && !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(EnvironmentVariablesAWSCredentials.ENVIRONMENT_VARIABLE_ACCESSKEY)))
        {
            _own = new EnvironmentVariablesAWSCredentials();
            _roles = new DestinationCredentials(_own, region, awsEndpoint);
        }
    }

    /// <summary>What the template declares; changes when the template does.</summary>
    public TemplateArns Template { get; set; }

    public ILambda Lambda(ListenerRecord listener, DestinationDefinition destination, string arn)
    {
        if (Template.IsFunction(arn))
            return new LambdaClient(Keep(new AwsConnection(Anybody, _region, _functions)));
        return Arn.TryParse(arn, out var function)
            ? new LambdaClient(Connect(listener, destination, function))
            : throw new ListenerNotServedException($"Destination {destination.Name}: \"{arn}\" is no ARN.");
    }

    public AwsConnection Connect(ListenerRecord listener, DestinationDefinition destination, Arn arn)
    {
        var region = arn.Region.Length > 0 ? arn.Region : _region;
        if (_awsEndpoint is null && (_profile is null || Template.IsDeclared(arn.ToString())))
            return Keep(new AwsConnection(FileOf(arn.ToString() == destination.DeadLetterArn ? destination.Name + DeadLetters : destination.Name, arn), region));
        return Keep(new AwsConnection(Credentials(listener, destination), region, _awsEndpoint));
    }

    public AwsConnection ConnectCloudWatch(ListenerRecord listener, DestinationDefinition destination) => Keep(_awsEndpoint is null && _profile is null
        ? new AwsConnection(ReportFileOf(destination.Name), _region)
        : new AwsConnection(Credentials(listener, destination), _region, _awsEndpoint));

    public void Dispose()
    {
        foreach (var connection in _connections)
            connection.Dispose();
        _roles?.Dispose();
    }

    private AWSCredentials Credentials(ListenerRecord listener, DestinationDefinition destination) =>
        destination.RoleArn is { } role && _roles is not null ? _roles.For(role, listener.StackId, $"udpgw-{listener.PhysicalResourceId}") : _own ?? Anybody;

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
                    : _profile is not null
                    ? $"{destinationName}: {arn} is declared by the template and exists nowhere yet; what it would get goes to {file.Path}."
                    : $"{destinationName}: AWS_ENDPOINT_URL is not set; what {arn} would get goes to {file.Path}.");
            }

            return file;
        }
    }

    /// <summary>Apart from what the destination would get, which is read as data.</summary>
    private PayloadFile ReportFileOf(string destinationName)
    {
        lock (_gate)
        {
            if (!_reportFiles.TryGetValue(destinationName, out var file))
            {
                file = new PayloadFile(_reportFolder, destinationName);
                _reportFiles.Add(destinationName, file);
                _say($"{destinationName}: AWS_ENDPOINT_URL is not set; what CloudWatch would get goes to {file.Path}.");
            }

            return file;
        }
    }
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
