using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;

namespace UdpGateway.WireGuard.Tests.Properties;

/// <summary>
/// Runs a body on generated values. The seed is fixed so that a run can be repeated; a failure prints it with the
/// smallest value that fails. Another seed is tried with PROPERTY_SEED=number.
/// </summary>
internal static class Property
{
    public static void Holds<T>(Gen<T> values, Action<T> body, int runs = 100) => Check.One(Configuration(runs), Prop.ForAll(values.ToArbitrary(), body));

    /// <summary>As <see cref="Holds{T}(Gen{T}, Action{T}, int)"/>; a failing list is shortened to the steps that matter.</summary>
    public static void HoldsForSteps<T>(Gen<T[]> steps, Action<T[]> body, int runs = 100) =>
        Check.One(Configuration(runs), Prop.ForAll(Arb.ToArbitrary(steps, Shorter), body));

    public static Gen<(T1, T2, T3)> Together<T1, T2, T3>(Gen<T1> first, Gen<T2> second, Gen<T3> third) =>
        first.Zip(second).Zip(third, (both, last) => (both.Item1, both.Item2, last));

    private static Config Configuration(int runs)
    {
        var seed = ulong.Parse(Environment.GetEnvironmentVariable("PROPERTY_SEED") ?? "20260603", CultureInfo.InvariantCulture);
        return Config.QuickThrowOnFailure.WithMaxTest(runs).WithReplay(FSharpOption<Replay>.Some(new Replay(new Rnd(seed), FSharpOption<int>.None)));
    }

    private static IEnumerable<T[]> Shorter<T>(T[] steps)
    {
        for (var chunk = steps.Length / 2; chunk > 0; chunk /= 2)
        {
            for (var start = 0; start + chunk <= steps.Length; start += chunk)
                yield return [.. steps[..start], .. steps[(start + chunk)..]];
        }
    }
}
