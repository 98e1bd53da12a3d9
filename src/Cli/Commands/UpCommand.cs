using System.CommandLine;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using UdpGateway.Cli.LocalStack;
using UdpGateway.Cli.Templates;
using UdpGateway.Cli.Terminal;
using UdpGateway.Listeners.Storage;
using UdpGateway.WireGuard;

namespace UdpGateway.Cli.Commands;

/// <summary>Brings a template up and serves it until a signal; the stack stays in its directory for the next time.</summary>
internal sealed partial class UpCommand
{
    private readonly TemplateOptions _template = new();
    private readonly Option<string> _bind = new("--bind") { Description = "The address that listeners bind.", HelpName = "ADDRESS", DefaultValueFactory = _ => "127.0.0.1" };
    private readonly Option<string[]> _ports = new("--port") { Description = "The UDP port of a listener. Repeatable; without it the template's Port, else the port of the last time, else a free one.", HelpName = "LOGICALID=PORT" };
    private readonly Option<string[]> _secrets = new("--secret") { Description = "The file with the value of a secret, by its name or logical id. Repeatable.", HelpName = "NAME=FILE" };
    private readonly Option<string?> _outputs = new("--outputs") { Description = "Where to write listeners, outputs and the admin address as JSON when everything serves.", HelpName = "FILE" };
    private readonly Option<int> _adminPort = new("--admin-port") { Description = "The TCP port of the admin endpoint on 127.0.0.1; 0 takes a free one.", HelpName = "PORT" };
    private readonly Option<string> _timestampPolicy = new("--timestamp-policy")
    {
        Description = "WireGuard clients whose clock went back: strict refuses them, accept-older-when-idle takes them once their last session has ended.",
        HelpName = "POLICY",
        DefaultValueFactory = _ => "strict",
    };

    private readonly Option<string?> _awsProfile = new("--aws-profile")
    {
        Description = "Give functions, and destinations that the template does not declare, the real credentials of this profile. Without it they have none.",
        HelpName = "NAME",
    };

    private readonly Option<bool> _plain = new("--plain") { Description = "Plain lines only, as chosen by itself when the output is no terminal." };

    private readonly Option<bool> _qr = new("--qr") { Description = "Also show the WireGuard client configuration as a QR code for a phone. It holds the private key, so it needs a terminal." };

    public static Option<string> StateOption() => new("--state")
    {
        Description = "The directory that keeps keys, ports and everything else over restarts.",
        HelpName = "DIR",
        DefaultValueFactory = _ => ".udpgw",
    };

    private readonly Option<string> _state = StateOption();

    public static Command Create()
    {
        var up = new UpCommand();
        var command = new Command("up", "Runs a template on this machine until Ctrl-C: its functions as local processes, its listeners in this process.");
        up._template.AddTo(command);
        foreach (var option in (Option[])[up._bind, up._ports, up._state, up._secrets, up._outputs, up._adminPort, up._timestampPolicy, up._awsProfile, up._plain, up._qr])
            command.Options.Add(option);
        command.SetAction((parsed, _) => up.RunAsync(parsed));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed)
    {
        using var stopping = new CancellationTokenSource();
        // A shell starts background jobs with SIGINT ignored, and the runtime then leaves it ignored; a script stops `up` by it.
        if (!OperatingSystem.IsWindows())
            SetSignalHandler(InterruptSignal, DefaultHandler);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        var output = parsed.InvocationConfiguration.Output;
        try
        {
            await RunAsync(parsed, output, stopping.Token);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await output.WriteLineAsync("Stopped before everything was up.");
        }

        return 0;

        void Stop(PosixSignalContext context)
        {
            // The second signal is for those who cannot wait: the system's default ends the process.
            context.Cancel = !stopping.IsCancellationRequested;
            stopping.Cancel();
        }
    }

    private async Task RunAsync(ParseResult parsed, TextWriter output, CancellationToken stopping)
    {
        var settings = ReadRunSettings(parsed);
        var stateDirectory = parsed.GetValue(_state)!;
        var isPlain = parsed.GetValue(_plain) || !ReferenceEquals(output, Console.Out) || Console.IsOutputRedirected;
        if (isPlain && parsed.GetValue(_qr))
            throw new UserErrorException("--qr shows a private key and needs a terminal; it does not go with --plain or redirected output.");
        using var view = isPlain ? null : new LiveView(output);
        var lines = view?.Lines ?? output;

        // A template that is wrong from the start must not leave a directory behind.
        StateDirectory? directory = null;
        try
        {
            var state = StateDirectory.Exists(stateDirectory) ? (directory = StateDirectory.Open(stateDirectory)).Load() : null;
            var problems = new ProblemList();
            var template = ReadTemplate(parsed, state, problems);
            CheckPortNames(template, settings);
            directory ??= StateDirectory.Open(stateDirectory);
            state ??= new StackState
            {
                StackId = template.Settings.StackId,
                StackName = template.Settings.StackName,
                Region = template.Settings.Region,
                AccountId = template.Settings.AccountId,
            };
            directory.Save(state);
            await CheckPortsAsync(template, settings, state, directory, stopping);

            using var loggers = LoggerFactory.Create(builder => builder
                .SetMinimumLevel(LogLevel.Information)
                // The view and the summary say what these do; a person who looks at them looks for the functions' own lines.
                .AddFilter("UdpGateway.Provider", isPlain ? LogLevel.Information : LogLevel.Warning)
                .AddFilter("UdpGateway.Gateway", isPlain ? LogLevel.Information : LogLevel.Warning)
                .AddFilter("Microsoft", LogLevel.Warning)
                // A port that is taken is told as the user's error.
                .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None)
                .AddProvider(new LineLoggerProvider(lines, LogLevel.Information)));
            foreach (var note in problems.Notes)
                await output.WriteLineAsync($"note: {note.ToNote()}");

            await using var stack = await RunningStack.StartAsync(template, problems, settings, directory, state, loggers, lines.WriteLine, stopping);
            var configuration = await PublishAsync(stopping);
            StackSummary.Write(output, template, stack, settings, configuration?.Path, isPlain ? null : configuration?.Text);
            if (parsed.GetValue(_qr))
                await output.WriteLineAsync(QRCodeText.Explain(stack, settings, configuration?.Text, Console.WindowWidth));

            var watch = new StackWatch(stack, template, directory.Path, changed => ReadTemplate(parsed, state, changed), PublishAsync, lines.WriteLine);
            var watching = watch.RunAsync(stopping);
            if (view is not null)
                await view.ShowAsync(stack, watching);
            await watching;
            await output.WriteLineAsync("Stopping.");

            async Task<(string Path, string Text)?> PublishAsync(CancellationToken cancellationToken)
            {
                var written = await WriteClientConfigurationAsync(stack, settings, directory, cancellationToken);
                if (parsed.GetValue(_outputs) is { } file)
                    OutputsFile.Write(file, stack, settings);
                return written;
            }
        }
        finally
        {
            directory?.Store.Dispose();
        }
    }

    private Template ReadTemplate(ParseResult parsed, StackState? state, ProblemList problems)
    {
        var read = _template.Read(parsed, stack => state?.StackId ?? $"arn:aws:cloudformation:{stack.Region}:{stack.AccountId}:stack/{stack.StackName}/{Guid.NewGuid()}");
        if (state is not null)
        {
            if (state.Region != read.Region || state.AccountId != read.AccountId)
                throw new UserErrorException($"The stack in {parsed.GetValue(_state)} belongs to --region {state.Region} --account-id {state.AccountId}; use these, another --state, or `udpgw down` first.");
            read = read with { StackName = state.StackName };
        }

        var template = Template.Load(parsed.GetValue(_template.Template)!, read, problems);
        if (template is not null)
        {
            template.Check();
            template = ListenerElsewhere.AddTo(template, problems);
            DeclaredListeners.Check(template, problems);
            DeclaredFunctions.Check(template, problems);
        }

        problems.ThrowIfAny();
        return template!;
    }

    /// <summary>Only of the template that `up` starts with: a later one may drop a listener whose port was chosen, and have it back.</summary>
    private static void CheckPortNames(Template template, RunSettings settings)
    {
        var listeners = template.Resources.Where(resource => resource.IsListener).Select(resource => resource.LogicalId).ToList();
        var problems = new ProblemList();
        foreach (var name in settings.Ports.Keys.Except(listeners))
            problems.Report(null, "--port", $"The template has no listener '{name}'.{Suggestion.For(name, listeners)}");
        problems.ThrowIfAny();
    }

    /// <summary>A port can only be chosen when the listener is made: no property says so, hence no Update could.</summary>
    private static async Task CheckPortsAsync(Template template, RunSettings settings, StackState state, StateDirectory directory, CancellationToken cancellationToken)
    {
        foreach (var resource in state.Resources.Where(resource => template.Resources.Any(declared => declared.LogicalId == resource.LogicalId)))
        {
            if (settings.Ports.TryGetValue(resource.LogicalId, out var port)
                && await directory.Store.FindAsync<ListenerRecord>(resource.PhysicalResourceId, cancellationToken) is { } record && record.Port != port)
                throw new UserErrorException($"--port {resource.LogicalId}={port}: the listener already has port {record.Port}, which its clients know; run `udpgw down` first to give it another one.");
        }
    }

    private static async Task<(string Path, string Text)?> WriteClientConfigurationAsync(RunningStack stack, RunSettings settings, StateDirectory directory, CancellationToken cancellationToken)
    {
        var listener = stack.Listeners
            .Where(candidate => candidate.Record.WireGuardPublicKey is not null)
            .OrderByDescending(candidate => candidate.Record.Definition.AllowUnknownPeers)
            .FirstOrDefault();
        if (listener is null)
            return null;
        var client = new ClientConfiguration(directory, directory.Store);
        var text = await client.WriteAsync(listener.Record, new IPEndPoint(settings.ClientAddress, listener.Record.Port).ToString(), cancellationToken);
        return (client.Path, text);
    }

    private RunSettings ReadRunSettings(ParseResult parsed)
    {
        if (!IPAddress.TryParse(parsed.GetValue(_bind), out var address))
            throw new UserErrorException($"--bind takes an IP address; '{parsed.GetValue(_bind)}' is none.");
        if (LocalProvisioner.FindObstacle(address, 0) is { } obstacle)
            throw new UserErrorException($"--bind {address} cannot be used: {obstacle}");
        if (parsed.GetValue(_outputs) is { } outputs)
            OutputsFile.Check(outputs);
        var adminPort = parsed.GetValue(_adminPort);
        if (adminPort is < 0 or > 65_535)
            throw new UserErrorException($"--admin-port takes 0 to 65535; {adminPort} was given.");
        return new RunSettings
        {
            BindAddress = address,
            AdminPort = adminPort,
            TimestampPolicy = ReadTimestampPolicy(parsed.GetValue(_timestampPolicy)!),
            AwsProfile = parsed.GetValue(_awsProfile) is { } profile ? AwsProfile.Open(profile) : null,
            Ports = TemplateOptions.Pairs(parsed.GetValue(_ports), "--port", "LOGICALID=PORT").ToDictionary(pair => pair.Key, pair => Port(pair.Key, pair.Value)),
            Secrets = TemplateOptions.Pairs(parsed.GetValue(_secrets), "--secret", "NAME=FILE"),
        };
    }

    private static TimestampPolicy ReadTimestampPolicy(string text)
    {
        try
        {
            return TimestampPolicies.Parse(text);
        }
        catch (FormatException mistake)
        {
            throw new UserErrorException($"--timestamp-policy: {mistake.Message}");
        }
    }

    private static int Port(string logicalId, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is >= 1 and <= 65_535
            ? port
            : throw new UserErrorException($"--port {logicalId}={text}: a port is a number from 1 to 65535.");

    private const int InterruptSignal = 2;
    private const nint DefaultHandler = 0;

    [LibraryImport("libc", EntryPoint = "signal")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint SetSignalHandler(int signal, nint handler);
}
