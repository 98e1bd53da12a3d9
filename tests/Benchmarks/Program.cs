using System.Globalization;
using BenchmarkDotNet.Running;
using UdpGateway.Benchmarks;

switch (args)
{
    case ["allocation-budgets"]:
        return AllocationBudgets.Check(Console.Out) ? 0 : 1;
    case ["engine-ratios"]:
        EngineRatios.Run(Console.Out);
        return 0;
    case ["echo-comparison"]:
        return await EchoComparison.RunAsync(Console.Out);
    case ["echo-comparison-inside"]:
        return await EchoComparison.InsideAsync(Console.Out);
    case ["echo-gateway"]:
        return await EchoComparison.ServeAsync(Console.In, Console.Out);
    case ["delivery"]:
        await DeliveryBenchmark.RunAsync(Console.Out, 150_000);
        return 0;
    case ["delivery", var packetsPerSecond]:
        await DeliveryBenchmark.RunAsync(Console.Out, double.Parse(packetsPerSecond, CultureInfo.InvariantCulture));
        return 0;
    case ["delay"]:
        await DelayBenchmark.RunAsync(Console.Out, 150_000);
        return 0;
    case ["delay", var batchLoad]:
        await DelayBenchmark.RunAsync(Console.Out, double.Parse(batchLoad, CultureInfo.InvariantCulture));
        return 0;
    case ["ingress-comparison"]:
        await IngressComparison.RunAsync(Console.Out);
        return 0;
    case ["null-gateway"]:
        return await IngressComparison.ServeNullAsync(Console.In, Console.Out);
    case ["bare-receive"]:
        return await IngressComparison.ServeBareAsync(Console.In, Console.Out);
    case ["gateway", var service, var count, var milliseconds]:
        return await DeliveryBenchmark.ServeAsync(new Uri(service), int.Parse(count, CultureInfo.InvariantCulture), double.Parse(milliseconds, CultureInfo.InvariantCulture), Console.In, Console.Out);
    case ["flood"]:
        await FloodBenchmark.RunAsync(Console.Out);
        return 0;
    case ["provider-cold-start"]:
        await ProviderColdStart.RunAsync(Console.Out);
        return 0;
    case ["peer-memory", var count]:
        return PeerMemory.Check(Console.Out, int.Parse(count, CultureInfo.InvariantCulture)) ? 0 : 1;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(EngineBenchmarks).Assembly).Run(args);
        return 0;
}
