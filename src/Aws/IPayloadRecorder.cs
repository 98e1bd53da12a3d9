namespace UdpGateway.Aws;

/// <summary>Takes payloads where there is no service to send them to.</summary>
public interface IPayloadRecorder
{
    /// <summary>One call's payload as it would have been sent, on one line. Called from any thread; the bytes are valid during the call.</summary>
    void Record(ReadOnlySpan<byte> payload);
}
