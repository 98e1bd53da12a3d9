using System.Text.RegularExpressions;
using FluentValidation;

namespace UdpGateway.Listeners.Validation;

/// <summary>Judges a fleet as a whole. Messages are predicates of the property path.</summary>
internal sealed partial class FleetValidator : AbstractValidator<FleetDeclaration>
{
    public const string NameSentence = "must be the name of a fleet: 1 to 64 letters, digits and hyphens";

    // Amazon ECS Developer Guide, "Task CPU and memory": MiB from, to, and the step between, by CPU units.
    private static readonly Dictionary<int, (int From, int To, int Step)> MemoryByCpu = new()
    {
        [256] = (512, 2048, 512),
        [512] = (1024, 4096, 1024),
        [1024] = (2048, 8192, 1024),
        [2048] = (4096, 16_384, 1024),
        [4096] = (8192, 30_720, 1024),
        [8192] = (16_384, 61_440, 4096),
        [16_384] = (32_768, 122_880, 8192),
    };

    /// <summary>Less is no time to send open batches and wait for their replies.</summary>
    private const int ShortestStopTimeout = 20;

    public FleetValidator()
    {
        RuleFor(fleet => fleet.Name).Must(BeName).WithErrorCode("fleet_name").WithMessage(NameSentence);
        Require(fleet => fleet.Cluster, "the name or ARN of an ECS cluster", "cluster");
        RuleFor(fleet => fleet.LoadBalancerArn)
            .Must(text => Arn.TryParse(text, out var arn) && arn.Service == "elasticloadbalancing" && arn.Resource.StartsWith("loadbalancer/", StringComparison.Ordinal))
            .WithErrorCode("load_balancer").WithMessage("must be the ARN of a Network Load Balancer");
        RuleFor(fleet => fleet.Subnets).NotEmpty().WithErrorCode("subnets_required").WithMessage("must hold at least one subnet");
        RuleFor(fleet => fleet.Subnets).Custom((ids, validation) => RequireIds(ids, "subnet-", "a subnet", validation));
        RuleFor(fleet => fleet.SecurityGroups).NotEmpty().WithErrorCode("security_groups_required").WithMessage("must hold at least one security group for the tasks");
        RuleFor(fleet => fleet.SecurityGroups).Custom((ids, validation) => RequireIds(ids, "sg-", "a security group", validation));
        RuleFor(fleet => fleet.DesiredCount).InclusiveBetween(1, 250).WithErrorCode("desired_count").WithMessage("must be a number of tasks from 1 to 250");
        RuleFor(fleet => fleet.Cpu)
            .Must(cpu => cpu is null || MemoryByCpu.ContainsKey(cpu.Value)).WithErrorCode("cpu")
            .WithMessage($"must be one of Fargate's sizes: {string.Join(", ", MemoryByCpu.Keys)}");
        RuleFor(fleet => fleet.Memory).Must((fleet, memory) => FitsCpu(fleet.Cpu ?? 256, memory ?? 512)).WithErrorCode("memory").WithMessage(MemorySentence);
        RuleFor(fleet => fleet.Architecture).Must(text => text is null or "X86_64" or "ARM64").WithErrorCode("architecture").WithMessage("must be X86_64 or ARM64");
        RuleFor(fleet => fleet.Image)
            .Must(text => string.IsNullOrEmpty(text) || ImagePattern().IsMatch(text)).WithErrorCode("image")
            .WithMessage("must be the name of an image, such as the last line of templates/publish-image, or empty: at most 255 letters, digits and . - _ : / # @ characters");
        RuleFor(fleet => fleet.TaskRoleArn).Must(BeRole).WithErrorCode("role").WithMessage("must be the ARN of a role");
        RuleFor(fleet => fleet.ExecutionRoleArn).Must(BeRole).WithErrorCode("role").WithMessage("must be the ARN of a role");
        RuleFor(fleet => fleet.LogGroupName).Must(DestinationValidator.IsLogGroupName).WithErrorCode("log_group").WithMessage($"is required and {DestinationValidator.LogGroupNameSentence}");
        RuleFor(fleet => fleet.DomainName)
            .Must(text => string.IsNullOrEmpty(text) || Uri.CheckHostName(text) is not UriHostNameType.Unknown and not UriHostNameType.Basic).WithErrorCode("domain_name")
            .WithMessage("must be a host name, or an address, that clients reach the balancer by");
        RuleFor(fleet => fleet.PortRange)
            .Must(text => FleetProperties.TryParseRange(text, out _)).WithErrorCode("port_range")
            .WithMessage($"must be two ports from {FleetNames.FirstUnprivilegedPort} to {65_535 - FleetNames.FirstUnprivilegedPort} with a hyphen between them, such as 30000-30999");
        RuleFor(fleet => fleet.ClientCidr)
            .Must(text => text is null || (NetworkText.TryParse(text, out var network) && network.BaseAddress.AddressFamily is System.Net.Sockets.AddressFamily.InterNetwork))
            .WithErrorCode("client_cidr").WithMessage("must be an IPv4 network in CIDR notation");
        RuleFor(fleet => fleet.HealthPort).InclusiveBetween(FleetNames.FirstUnprivilegedPort, 65_535).WithErrorCode("health_port").WithMessage($"must be a port from {FleetNames.FirstUnprivilegedPort} to 65535");
        RuleFor(fleet => fleet.RelayPort)
            .InclusiveBetween(FleetNames.FirstUnprivilegedPort, 65_535).WithErrorCode("relay_port").WithMessage($"must be a port from {FleetNames.FirstUnprivilegedPort} to 65535");
        RuleFor(fleet => fleet.RelayPort)
            .Must((fleet, port) => (port ?? FleetDefinition.DefaultRelayPort) != (fleet.HealthPort ?? FleetDefinition.DefaultHealthPort)).WithErrorCode("relay_port")
            .WithMessage("must not be the HealthPort, for tasks listen on both");
        RuleFor(fleet => fleet.StopTimeoutSeconds)
            .InclusiveBetween(ShortestStopTimeout, FleetDefinition.LongestStopTimeoutSeconds).WithErrorCode("stop_timeout")
            .WithMessage($"must be from {ShortestStopTimeout} to {FleetDefinition.LongestStopTimeoutSeconds} seconds");
        RuleFor(fleet => fleet.Environment).Custom(JudgeEnvironment);
    }

    // What the variables hold is not repeated: it may be a secret, however wrong the place.
    private static void JudgeEnvironment(IReadOnlyList<(string Path, string Key, string Text)> environment, ValidationContext<FleetDeclaration> validation)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (path, name, _) in environment)
        {
            if (!VariablePattern().IsMatch(name))
                validation.AddFailure(ListenerValidator.Failure(path, "must be an environment variable, as a member of a map or as NAME=VALUE in a list; names have letters, digits and underscores", "environment"));
            else if (!names.Add(name))
                validation.AddFailure(ListenerValidator.Failure(path, $"sets {name} a second time", "environment"));
        }
    }

    internal static bool BeName(string? name) => name is not null && NamePattern().IsMatch(name);

    private static bool BeRole(string? text) => text is not null && DestinationValidator.IsRoleArn(text);

    private static void RequireIds(IReadOnlyList<(string Path, string Text)> ids, string prefix, string what, ValidationContext<FleetDeclaration> validation)
    {
        foreach (var (path, text) in ids)
        {
            if (!text.StartsWith(prefix, StringComparison.Ordinal) || text.Length == prefix.Length || !text.All(letter => char.IsAsciiLetterOrDigit(letter) || letter == '-'))
                validation.AddFailure(ListenerValidator.Failure(path, $"must be the id of {what}, such as {prefix}0123456789abcdef0", "id", text));
        }
    }

    private static bool FitsCpu(int cpu, int memory) =>
        !MemoryByCpu.TryGetValue(cpu, out var sizes) || (memory >= sizes.From && memory <= sizes.To && memory % sizes.Step == 0 && (cpu, memory) is not (256, 1536));

    private static string MemorySentence(FleetDeclaration fleet)
    {
        var cpu = fleet.Cpu ?? 256;
        var (from, to, step) = MemoryByCpu[cpu];
        if (cpu == 256)
            return "must be 512, 1024 or 2048 MiB for a Cpu of 256";
        return $"must be {from} to {to} MiB in steps of {step} for a Cpu of {cpu}";
    }

    private void Require(System.Linq.Expressions.Expression<Func<FleetDeclaration, string?>> property, string what, string code) =>
        RuleFor(property).NotEmpty().WithErrorCode(code).WithMessage($"is required and must be {what}");

    // Amazon ECS API Reference, "ContainerDefinition".
    [GeneratedRegex(@"\A[a-zA-Z0-9_.:/#@-]{1,255}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ImagePattern();

    [GeneratedRegex(@"\A[a-zA-Z_][a-zA-Z0-9_]{0,254}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex VariablePattern();

    [GeneratedRegex(@"\A[a-zA-Z0-9]([a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NamePattern();
}
