using System.Net;
using Microsoft.Extensions.Logging;
using UdpGateway.Cli.Dashboard;
using UdpGateway.Cli.LocalLambda;
using UdpGateway.Cli.Templates;
using UdpGateway.Gateway;
using UdpGateway.Listeners.Storage;
using UdpGateway.Provider;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.LocalStack;

/// <summary>What the command line says about running a template.</summary>
internal sealed record RunSettings
{
    public IPAddress BindAddress { get; init; } = IPAddress.Loopback;

    /// <summary>0 takes a free one.</summary>
    public int AdminPort { get; init; }

    /// <summary>UDP port by logical id.</summary>
    public IReadOnlyDictionary<string, int> Ports { get; init; } = new Dictionary<string, int>();

    /// <summary>File by the name or logical id of a secret.</summary>
    public IReadOnlyDictionary<string, string> Secrets { get; init; } = new Dictionary<string, string>();

    /// <summary>What becomes of WireGuard clients whose clock went back.</summary>
    public TimestampPolicy TimestampPolicy { get; init; }

    /// <summary>Whose credentials functions and destinations have; null for none.</summary>
    public AwsProfile? AwsProfile { get; init; }

    /// <summary>The address that clients on this machine use.</summary>
    public IPAddress ClientAddress => BindAddress.Equals(IPAddress.Any) ? IPAddress.Loopback
        : BindAddress.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback
        : BindAddress;

    /// <summary>A text for clients, where a template of the hosted service has made one that no client could resolve.</summary>
    public string WithoutSuffix(string text) => text.Replace($"{ClientAddress}{TemplateImport.Suffix}", ClientAddress.ToString(), StringComparison.Ordinal);
}

/// <summary>A listener that is served, with the logical id that declares it.</summary>
internal sealed record ServedListener(string LogicalId, ListenerRecord Record);

/// <summary>A template at work on this machine: functions, gateway, and the provider that brought its listeners up.</summary>
internal sealed partial class RunningStack : IAsyncDisposable
{
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(4);

    private readonly LocalTopics _topics;
    private readonly LocalLambdaHost _functions;
    private readonly LocalDestinations _destinations;
    private readonly GatewayHost _gateway;
    private readonly RunSettings _settings;
    private readonly StateDirectory _directory;
    private readonly StackState _state;
    private readonly ILoggerFactory _loggers;
    private readonly Action<string> _say;
    private readonly ILogger _logger;
    private bool _saidSuffix;
    private Dictionary<string, ResourceRecord> _registrations = [];

    private RunningStack(
        LocalTopics topics, LocalLambdaHost functions, LocalDestinations destinations, GatewayHost gateway, RunSettings settings, StateDirectory directory, StackState state, ILoggerFactory loggers, Action<string> say)
    {
        _topics = topics;
        _functions = functions;
        _destinations = destinations;
        _gateway = gateway;
        _settings = settings;
        _directory = directory;
        _state = state;
        _loggers = loggers;
        _say = say;
        _logger = loggers.CreateLogger<RunningStack>();
    }

    public Uri AdminAddress => _gateway.AdminAddress;

    public required DashboardSite Dashboard { get; init; }

    /// <summary>Where functions are invoked: Lambda's Invoke.</summary>
    public Uri FunctionsAddress => _functions.Endpoint;

    public IReadOnlyList<FunctionDeclaration> Functions { get; private set; } = [];

    /// <summary>As they are invoked, with their environment.</summary>
    internal IReadOnlyList<LocalFunction> LocalFunctions => _functions.Functions;

    /// <summary>By function name, the folders whose files decide what the function does.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> FunctionSources => _functions.SourceDirectories;

    public IReadOnlyList<ServedListener> Listeners { get; private set; } = [];

    public IReadOnlyList<KeyValuePair<string, string>> Outputs { get; private set; } = [];

    /// <summary>Returns when everything serves.</summary>
    /// <exception cref="UserErrorException">The template or this machine does not permit it; nothing is left running.</exception>
    public static async Task<RunningStack> StartAsync(
        Template template, ProblemList problems, RunSettings settings, StateDirectory directory, StackState state, ILoggerFactory loggers, Action<string> say, CancellationToken cancellationToken)
    {
        var secrets = new TemplateSecrets(directory.Store);
        foreach (var sentence in TemplateSecrets.ExplainUnused(template, settings.Secrets.Keys))
            say($"note: {sentence}");
        foreach (var secret in await secrets.StoreAsync(template, settings.Secrets, problems, cancellationToken))
            say($"note: The secret {secret} has no value yet; --secret {secret}=FILE gives it one.");
        state.GiveAttributesTo(template);
        var local = await DescribeFunctionsAsync(template, secrets, settings, problems, cancellationToken);

        var topics = await LocalTopics.StartAsync(template.TopicArns(), template.Settings.Region, directory.Store, AwsEndpoint(), loggers, cancellationToken);
        LocalLambdaHost? functions = null;
        LocalDestinations? destinations = null;
        GatewayHost? gateway = null;
        var dashboard = new DashboardSite();
        try
        {
            // With real credentials the topics of an account stay within reach, unless the template needs its own.
            var leadsToTopics = settings.AwsProfile is null || template.Resources.Any(resource => resource.IsPacketSource);
            functions = await StartFunctionsAsync(template.Settings, settings, directory, local, leadsToTopics ? topics.Endpoint : null, loggers, cancellationToken);
            destinations = new LocalDestinations(
                template.Settings.Region, new TemplateArns(template), functions.Endpoint, AwsEndpoint(), settings.AwsProfile,
                directory.PathOf("destinations"), directory.PathOf("cloudwatch"), say);
            gateway = await StartGatewayAsync(template.Settings, settings, directory, destinations, dashboard, loggers, cancellationToken);
            dashboard.Watch(gateway);
            topics.Push = gateway.PushAsync;
            var stack = new RunningStack(topics, functions, destinations, gateway, settings, directory, state, loggers, say) { Dashboard = dashboard };
            await ServeAgainAsync(state, directory.Store, stack.CreateProvisioner(), cancellationToken);
            await stack.ApplyAsync(template, problems, cancellationToken);
            foreach (var function in stack.Functions)
            {
                foreach (var variable in function.UnknownVariables)
                    say($"note: {function.LogicalId}: the variable {variable} is only known on AWS; a placeholder stands for it.");
            }

            return stack;
        }
        catch
        {
            if (gateway is not null)
                await gateway.DisposeAsync();
            await dashboard.DisposeAsync();
            destinations?.Dispose();
            if (functions is not null)
                await functions.DisposeAsync();
            await topics.DisposeAsync();
            throw;
        }
    }

    /// <summary>The gateway first, so that what it has under way can still be answered; then the functions' processes.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await _gateway.StopAsync().WaitAsync(StopTimeout);
            await _gateway.DisposeAsync();
        }
        catch (TimeoutException)
        {
            Log.GatewayLate(_logger, StopTimeout.TotalSeconds);
        }

        await Dashboard.DisposeAsync();
        await _functions.DisposeAsync();
        await _topics.DisposeAsync();
        _destinations.Dispose();
    }

    private LocalProvisioner CreateProvisioner() => new(_gateway, _settings.BindAddress, _settings.Ports, _state);

    /// <summary>Sends the events, then gives the functions what their environment takes from the listeners.</summary>
    private async Task ApplyAsync(Template template, ProblemList problems, CancellationToken cancellationToken)
    {
        var options = new ProviderOptions
        {
            Region = template.Settings.Region,
            AccountId = template.Settings.AccountId,
            DomainName = _settings.ClientAddress.ToString(),
            LocalMode = true,
            MayOmitRole = template.FunctionArns().Contains,
        };
        var store = _directory.Store;
        using var client = CustomResourceHandler.CreateResponseClient();
        _topics.TopicArns = template.TopicArns();
        var handler = new CustomResourceHandler(options, store, store, CreateProvisioner(), client, TimeProvider.System, _loggers.CreateLogger<CustomResourceHandler>(), new LocalPacketSources(_topics.TopicArns, _say));
        await using var responses = await ResponseEndpoint.StartAsync(cancellationToken);
        await new Stack(_directory, _state, handler.HandleAsync, responses, _say) { CurrentDomain = options.DomainName }.ApplyAsync(template, problems, cancellationToken);

        Functions = [.. template.Functions().Where(function => function.Obstacle is null)];
        var known = await DescribeFunctionsAsync(template, new TemplateSecrets(store), _settings, problems, cancellationToken);
        await _functions.UpdateAsync([.. known.Select(function => function with { AwaitsEnvironment = false })], cancellationToken);

        var outputs = template.EvaluateOutputs();
        problems.ThrowIfAny();
        Outputs = [.. outputs.Select(output => KeyValuePair.Create(output.Key, _settings.WithoutSuffix(output.Value)))];
        if (!_saidSuffix && outputs.Except(Outputs).Select(output => output.Key).ToList() is { Count: > 0 } changed)
        {
            _saidSuffix = true;
            _say($"note: {string.Join(", ", changed)}: shown without {TemplateImport.Suffix}, because Domain is the full name here; `udpgw import` changes the template itself.");
        }

        Listeners = await ReadListenersAsync(template, _state, store, cancellationToken);
        _registrations = await ReadRegistrationsAsync(template, store, cancellationToken);
    }

    private static async Task<IReadOnlyList<LocalFunction>> DescribeFunctionsAsync(Template template, TemplateSecrets secrets, RunSettings settings, ProblemList problems, CancellationToken cancellationToken)
    {
        var local = new List<LocalFunction>();
        foreach (var function in template.Functions().Where(function => function.Obstacle is null))
        {
            var environment = await secrets.ResolveAsync(function, problems, cancellationToken);
            local.Add(ToLocal(function, environment.ToDictionary(variable => variable.Key, variable => settings.WithoutSuffix(variable.Value))));
        }

        problems.ThrowIfAny();
        return local;
    }

    /// <summary>Nothing is sent for what did not change, so nobody else would notice that an old listener is not served.</summary>
    private static async Task ServeAgainAsync(StackState state, EmbeddedStore store, LocalProvisioner provisioner, CancellationToken cancellationToken)
    {
        foreach (var resource in state.Resources)
        {
            if (await store.FindAsync<ListenerRecord>(resource.PhysicalResourceId, cancellationToken) is not { } record)
                continue;
            try
            {
                await provisioner.WaitUntilServedAsync(record, cancellationToken);
            }
            catch (ProvisioningException exception)
            {
                throw new UserErrorException($"{resource.LogicalId}: {exception.Message}");
            }
        }
    }

    /// <summary>What changes a listener from outside it, by logical id.</summary>
    private async Task<Dictionary<string, ResourceRecord>> ReadRegistrationsAsync(Template template, EmbeddedStore store, CancellationToken cancellationToken)
    {
        var registrations = new Dictionary<string, ResourceRecord>();
        foreach (var resource in template.Resources.Where(resource => resource.IsDestinationArn || resource.IsPacketSource))
        {
            var physicalId = _state.Resources.Find(candidate => candidate.LogicalId == resource.LogicalId)!.PhysicalResourceId;
            ResourceRecord? record = resource.IsDestinationArn
                ? await store.FindAsync<DestinationArnRecord>(physicalId, cancellationToken)
                : await store.FindAsync<PacketSourceRecord>(physicalId, cancellationToken);
            if (record is not null)
                registrations.Add(resource.LogicalId, record);
        }

        return registrations;
    }

    private static async Task<IReadOnlyList<ServedListener>> ReadListenersAsync(Template template, StackState state, EmbeddedStore store, CancellationToken cancellationToken)
    {
        var listeners = new List<ServedListener>();
        foreach (var resource in template.Resources.Where(resource => resource.IsListener))
        {
            var physicalId = state.Resources.Find(candidate => candidate.LogicalId == resource.LogicalId)!.PhysicalResourceId;
            if (await store.FindAsync<ListenerRecord>(physicalId, cancellationToken) is { } record)
                listeners.Add(new ServedListener(resource.LogicalId, record));
        }

        return listeners;
    }

    private static async Task<LocalLambdaHost> StartFunctionsAsync(
        TemplateSettings template, RunSettings settings, StateDirectory directory, IReadOnlyList<LocalFunction> functions, Uri? topics, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        try
        {
            var options = new LocalLambdaOptions
            {
                StateDirectory = directory.PathOf("functions"),
                Region = template.Region,
                AccountId = template.AccountId,
                Credentials = settings.AwsProfile is { } profile ? profile.ToVariables : null,
                ServiceEndpoints = topics is null ? new Dictionary<string, string>() : new Dictionary<string, string> { [LocalTopics.EndpointVariable] = topics.ToString() },
            };
            return await LocalLambdaHost.StartAsync(options, functions, loggers, cancellationToken);
        }
        catch (LocalLambdaException exception)
        {
            throw new UserErrorException(exception.Message);
        }
    }

    private static async Task<GatewayHost> StartGatewayAsync(
        TemplateSettings template, RunSettings settings, StateDirectory directory, LocalDestinations destinations, DashboardSite dashboard, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var options = new GatewayOptions
        {
            BindAddress = settings.BindAddress,
            LocalAddress = settings.ClientAddress,
            AdminPort = settings.AdminPort,
            Region = template.Region,
            Domain = settings.ClientAddress.ToString(),
            DrainTime = TimeSpan.FromSeconds(1),
            FlushTime = TimeSpan.FromSeconds(1),
            TimestampPolicy = settings.TimestampPolicy,
            Tap = dashboard.Tap,
            AdminPages = dashboard.Map,
        };
        try
        {
            return await GatewayHost.StartAsync(options, directory.Store, directory.Store, destinations, loggers, cancellationToken);
        }
        catch (FormatException exception)
        {
            // A variable of the environment that the gateway itself reads.
            throw new UserErrorException(exception.Message);
        }
        catch (IOException exception) when (settings.AdminPort != 0)
        {
            throw new UserErrorException($"--admin-port {settings.AdminPort}: the port cannot be used: {exception.Message}");
        }
    }

    private static LocalFunction ToLocal(FunctionDeclaration function, IReadOnlyDictionary<string, string> environment) => new()
    {
        LogicalId = function.LogicalId,
        FunctionName = function.FunctionName,
        Runtime = function.Runtime,
        Handler = function.Handler,
        CodeDirectory = function.CodeDirectory,
        InlineCode = function.InlineCode,
        Timeout = function.Timeout,
        MemorySize = function.MemorySize,
        MaximumRetryAttempts = function.MaximumRetryAttempts,
        OnFailure = function.OnFailure,
        Environment = environment,
        AwaitsEnvironment = function.UnknownVariables.Count > 0,
    };

    private static Uri? AwsEndpoint()
    {
        var text = Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL");
        if (string.IsNullOrEmpty(text))
            return null;
        return Uri.TryCreate(text, UriKind.Absolute, out var endpoint) && endpoint.Scheme is "http" or "https"
            ? endpoint
            : throw new UserErrorException($"AWS_ENDPOINT_URL must be an http or https address; it is '{text}'.");
    }

    private static partial class Log
    {
        [LoggerMessage(3101, LogLevel.Warning, "The gateway did not stop within {Seconds} s; what it had under way is given up.")]
        public static partial void GatewayLate(ILogger logger, double seconds);
    }
}
