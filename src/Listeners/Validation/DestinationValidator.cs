using System.Text.RegularExpressions;
using FluentValidation;

namespace UdpGateway.Listeners.Validation;

internal sealed partial class DestinationValidator : AbstractValidator<DestinationDeclaration>
{
    private const int MaxConcurrency = 1000;

    private readonly BindingContext _context;

    public DestinationValidator(BindingContext context)
    {
        _context = context;
        RuleFor(destination => destination.Name)
            .Must(ListenerValidator.BeName).When(destination => destination.Name is not null, ApplyConditionTo.CurrentValidator)
            .WithErrorCode("destination_name").WithMessage(ListenerValidator.NameSentence);
        RuleFor(destination => destination.Role).Custom(RequireRole);
        RuleFor(destination => destination.Arns).Custom(RequireDeliverableArns);
        RuleFor(destination => destination.Formatter).Custom(RequireFormatter);
        RuleFor(destination => destination.FilterExpression).Custom((text, validation) => ExpressionRule.Require(text, $"{validation.InstanceToValidate.Path}.FilterExpression", validation));
        RuleFor(destination => destination.UseResponseStreaming).Custom(RefuseStreamingOfEvents);
        RuleFor(destination => destination.DeadLetterArn).Custom(RequireQueue);
        RuleFor(destination => destination.Concurrency)
            .InclusiveBetween(1, MaxConcurrency).WithErrorCode("destination_concurrency").WithMessage($"must be from 1 to {MaxConcurrency:N0} deliveries at a time");
        RuleFor(destination => destination.LogGroupName).Custom(RequireLogGroupName);
        RuleFor(destination => destination.EnableLogging).Custom(WarnOfLoggingToNowhere);
        RuleFor(destination => destination.Batching).SetValidator(new BatchingValidator());
    }

    internal const string LogGroupNameSentence = "must be the name of a log group, not its ARN: 1 to 512 letters, digits and . - _ / # characters";

    internal static bool IsLogGroupName(string? name) => name is not null && LogGroupNamePattern().IsMatch(name);

    internal static bool IsRoleArn(string text) =>
        Arn.TryParse(text, out var arn) && arn.Service == "iam" && arn.Region.Length == 0 && arn.Account.Length > 0 && RolePattern().IsMatch(arn.Resource);

    private void RequireRole(string? role, ValidationContext<DestinationDeclaration> validation)
    {
        var destination = validation.InstanceToValidate;
        var path = $"{destination.Path}.Role";
        if (role is null)
        {
            if (destination.Arns.Count == 0 || !destination.Arns.All(entry => _context.MayOmitRole(entry.Arn)))
                validation.AddFailure(ListenerValidator.Failure(path, "is required: the ARN of the role that the gateway assumes to deliver packets, as a string or as {\"Arn\": …}", "role_required"));
        }
        else if (!IsRoleArn(role))
        {
            validation.AddFailure(ListenerValidator.Failure(path, "must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/NAME", "role_arn", role));
        }
    }

    private static void RequireDeliverableArns(IReadOnlyList<(string Path, string Region, string Arn)> arns, ValidationContext<DestinationDeclaration> validation)
    {
        var services = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var (path, region, text) in arns)
        {
            if (region != "*" && !RegionPattern().IsMatch(region))
                validation.AddFailure(ListenerValidator.Failure(path, "must be keyed by an AWS region such as us-west-2, or by *", "destination_region", region));
            if (!Arn.TryParse(text, out var arn))
            {
                validation.AddFailure(ListenerValidator.Failure(path, "must be an ARN of the form arn:partition:service:region:account:resource", "destination_arn", text));
                continue;
            }

            services.Add(arn.Service);
            if (!DestinationKinds.TryFind(arn.Service, out var kind))
                validation.AddFailure(ListenerValidator.Failure(path, $"must belong to a service that packets can be delivered to: {string.Join(", ", DestinationKinds.All.Select(known => known.Service))}", "destination_service", text));
            else if (!kind.Accepts(arn))
                validation.AddFailure(ListenerValidator.Failure(path, $"must have the form {kind.ArnForm}", "destination_arn_form", text));
        }

        if (services.Count > 1)
            validation.AddFailure(ListenerValidator.Failure($"{validation.InstanceToValidate.Path}.DestinationArn", "must name the same service in every region", "destination_services_mixed", string.Join(", ", services)));
    }

    private static void RequireFormatter(string? formatter, ValidationContext<DestinationDeclaration> validation)
    {
        if (formatter is null || Formatters.TryParse(formatter, out _))
            return;
        validation.AddFailure(ListenerValidator.Failure($"{validation.InstanceToValidate.Path}.Formatter", "must be base64, hex, ascii, utf8 or coap", "formatter", formatter));
    }

    private static void RefuseStreamingOfEvents(bool? streaming, ValidationContext<DestinationDeclaration> validation)
    {
        var destination = validation.InstanceToValidate;
        if (streaming is true && destination.UseAsyncInvoke is true)
            validation.AddFailure(ListenerValidator.Failure($"{destination.Path}.Arguments.UseResponseStreaming", "cannot be combined with UseAsyncInvoke, because an asynchronous invocation has no response to stream; set at most one of them to true", "streaming_and_async"));
    }

    private static void RequireQueue(string? text, ValidationContext<DestinationDeclaration> validation)
    {
        if (text is not null && !(Arn.TryParse(text, out var arn) && arn.Service == SqsKind.Kind.Service && SqsKind.Kind.Accepts(arn)))
            validation.AddFailure(ListenerValidator.Failure($"{validation.InstanceToValidate.Path}.DeadLetterArn", $"must be the ARN of an SQS queue, {SqsKind.Kind.ArnForm}", "dead_letter_arn", text));
    }

    private static void RequireLogGroupName(string? name, ValidationContext<DestinationDeclaration> validation)
    {
        if (name is not null && !IsLogGroupName(name))
            validation.AddFailure(ListenerValidator.Failure($"{validation.InstanceToValidate.Path}.LogGroupName", LogGroupNameSentence, "log_group_name", name));
    }

    private static void WarnOfLoggingToNowhere(bool? enabled, ValidationContext<DestinationDeclaration> validation)
    {
        if (enabled is not true || validation.InstanceToValidate.LogGroupName is not null)
            return;
        var warning = ListenerValidator.Failure($"{validation.InstanceToValidate.Path}.EnableLogging", "has no effect without LogGroupName", "no_log_group");
        warning.Severity = Severity.Warning;
        validation.AddFailure(warning);
    }

    // CloudWatch Logs API Reference, "CreateLogGroup".
    [GeneratedRegex(@"\A[.\-_/#A-Za-z0-9]{1,512}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex LogGroupNamePattern();

    [GeneratedRegex(@"\Arole/[\x21-\x7E]{1,576}\z", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RolePattern();

    [GeneratedRegex(@"\A[a-z]{2,5}(-[a-z]{2,12}){1,2}-[0-9]{1,2}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RegionPattern();
}
