using FluentValidation;
using UdpGateway.Listeners.Expressions;

namespace UdpGateway.Listeners.Validation;

internal static class ExpressionRule
{
    /// <summary>A declared expression must be one; the failure says at which character it is not. Null passes.</summary>
    public static void Require<T>(string? text, string path, ValidationContext<T> validation)
    {
        if (text is not null && !Expression.TryParse(text, out _, out var error))
            validation.AddFailure(ListenerValidator.Failure(path, $"must be an expression such as [0] == 0xFE; {error}", "expression", text));
    }
}
