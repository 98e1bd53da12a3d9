using System.Diagnostics;
using System.Globalization;
using SharpFuzz;
using UdpGateway.Fuzz;

const string Usage = """
    TARGET SECONDS [SEED]   mutate the corpus at random for so long; a failing input is written to the current folder
    TARGET --libfuzzer      serve libfuzzer-dotnet (the WireGuard assembly instrumented by SharpFuzz)
    replay TARGET FILE      run one input
    seeds DIRECTORY         write the genuine messages of the corpus anew
    """;

switch (args)
{
    case ["replay", var name, var file] when FuzzTargets.All.TryGetValue(name, out var target):
        target(File.ReadAllBytes(file));
        return 0;
    case ["seeds", var directory]:
        FuzzCorpus.WriteSeeds(directory);
        return 0;
    case [var name, "--libfuzzer"] when FuzzTargets.All.TryGetValue(name, out var target):
        Fuzzer.LibFuzzer.Run(bytes => target(bytes.ToArray()));
        return 0;
    case [var name, var seconds, .. var rest] when FuzzTargets.All.TryGetValue(name, out var target) && rest.Length <= 1:
        var seed = rest is [var text] ? int.Parse(text, CultureInfo.InvariantCulture) : Random.Shared.Next();
        return Discover(name, target, TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)), seed);
    default:
        Console.Error.WriteLine(Usage);
        Console.Error.WriteLine($"Targets: {string.Join(", ", FuzzTargets.All.Keys)}");
        return 1;
}

static int Discover(string name, Action<byte[]> target, TimeSpan duration, int seed)
{
    Console.WriteLine($"{name}: seed {seed}");
    var mutator = new Mutator(FuzzCorpus.Read(name), seed);
    var inputs = 0L;
    for (var watch = Stopwatch.StartNew(); watch.Elapsed < duration; inputs++)
    {
        var input = mutator.Next();
        try
        {
            target([.. input]);
        }
        catch (Exception exception)
        {
            var path = $"failure-{name}-{seed}-{inputs}.bin";
            File.WriteAllBytes(path, input);
            Console.Error.WriteLine($"{path}: {exception}");
            return 2;
        }
    }

    Console.WriteLine($"{name}: {inputs} inputs, no failure");
    return 0;
}
