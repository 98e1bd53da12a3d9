using BenchmarkDotNet.Running;
using UdpGateway.Benchmarks;

BenchmarkSwitcher.FromAssembly(typeof(CryptoBenchmarks).Assembly).Run(args);
