namespace UdpGateway.Aws;

/// <summary>A live answer whose faults are those of the service: reads end with <see cref="AwsServiceException"/>, also when the whole takes too long.</summary>
internal sealed class FailingStream(Stream inner, string operation, TimeSpan timeout) : Stream
{
    private readonly CancellationTokenSource _timeout = new(timeout);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_timeout.Token, cancellationToken);
        try
        {
            return await inner.ReadAsync(buffer, either.Token);
        }
        catch (Exception exception) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException("The call was cancelled.", exception, cancellationToken);
        }
        catch (Exception exception) when (_timeout.IsCancellationRequested)
        {
            throw new AwsServiceException(AwsFailure.TimedOut, $"{operation}: no complete answer within {timeout}", exception);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            throw new AwsServiceException(AwsFailure.ConnectionFailed, $"{operation}: {exception.Message}", exception);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
            _timeout.Dispose();
        }

        base.Dispose(disposing);
    }
}
