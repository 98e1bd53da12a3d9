namespace UdpGateway.Gateway.Destinations;

/// <summary>Something that is asked of a service once. All who need it wait for the same answer; a failure is asked for again.</summary>
internal sealed class SharedLookup<T>(Func<CancellationToken, Task<T>> look)
{
    private readonly Lock _gate = new();
    private Task<T>? _answer;

    public Task<T> GetAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_answer is null || _answer.IsFaulted || _answer.IsCanceled)
                _answer = look(cancellationToken);
            return _answer;
        }
    }

    /// <summary>An answer that has turned out to hold no more: whoever comes next asks again.</summary>
    public void Forget(Task<T> answer)
    {
        lock (_gate)
        {
            if (ReferenceEquals(_answer, answer))
                _answer = null;
        }
    }
}
