using FluentValidation;

namespace UdpGateway.Listeners.Validation;

internal sealed class BatchingValidator : AbstractValidator<BatchingDeclaration>
{
    // A batch is held in memory; every service's own limit is far below.
    private const double MaxSizeInMB = 256;

    public BatchingValidator()
    {
        RuleFor(batching => batching.Count)
            .InclusiveBetween(1, 10_000).WithErrorCode("batching_count").WithMessage("must be from 1 to 10,000 packets");
        RuleFor(batching => batching.TimeoutInSeconds)
            .InclusiveBetween(0, 300).WithErrorCode("batching_timeout").WithMessage("must be from 0 to 300 seconds");
        RuleFor(batching => batching.SizeInMB)
            .Must(BeSize).WithErrorCode("batching_size").WithMessage(SizeSentence);
        RuleFor(batching => batching.SizeInMb)
            .Must(BeSize).WithErrorCode("batching_size").WithMessage(SizeSentence);
        RuleFor(batching => batching.SizeInMb)
            .Equal(batching => batching.SizeInMB).When(batching => batching.SizeInMB is not null && batching.SizeInMb is not null, ApplyConditionTo.CurrentValidator)
            .WithErrorCode("batching_size_twice").WithMessage("is another spelling of SizeInMB and must be equal to it or absent");
    }

    private static bool BeSize(double? megabytes) => megabytes is null or (> 0 and <= MaxSizeInMB);

    private static string SizeSentence => $"must be more than 0 and at most {MaxSizeInMB} megabytes";
}
