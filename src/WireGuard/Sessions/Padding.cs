namespace UdpGateway.WireGuard.Sessions;

/// <summary>Zero padding of inner packets (paper §5.4.6).</summary>
internal static class Padding
{
    /// <summary>To a multiple of 16, but not beyond the tunnel's MTU; a payload above it is left alone.</summary>
    public static int PaddedLength(int length, int maximumTransmissionUnit)
    {
        var padded = (length + WireGuardSpecification.PaddingMultiple - 1) / WireGuardSpecification.PaddingMultiple * WireGuardSpecification.PaddingMultiple;
        return Math.Max(length, Math.Min(padded, maximumTransmissionUnit));
    }
}
