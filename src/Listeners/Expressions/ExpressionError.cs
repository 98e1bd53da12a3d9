namespace UdpGateway.Listeners.Expressions;

/// <summary>Why a text is no expression.</summary>
/// <param name="Position">The character at which it went wrong; the first is 1.</param>
/// <param name="Sentence">What was expected there: <c>expected ']', but found the end</c>.</param>
public sealed record ExpressionError(int Position, string Sentence)
{
    public override string ToString() => $"at character {Position}: {Sentence}";
}
