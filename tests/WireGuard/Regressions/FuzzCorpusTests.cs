using UdpGateway.Fuzz;

namespace UdpGateway.WireGuard.Tests.Regressions;

public sealed class FuzzCorpusTests
{
    public static TheoryData<string> Targets => [.. FuzzTargets.All.Keys];

    [Theory]
    [MemberData(nameof(Targets))]
    public void Every_input_of_the_corpus_is_taken(string target)
    {
        var corpus = FuzzCorpus.Read(target);

        Assert.True(corpus.Count >= 3);
        foreach (var input in corpus.Append([]))
            FuzzTargets.All[target](input);
    }

    [Theory]
    [MemberData(nameof(Targets))]
    public void Mutations_of_the_corpus_are_taken(string target)
    {
        var mutator = new Mutator(FuzzCorpus.Read(target), seed: 20260603);

        for (var i = 0; i < 500; i++)
        {
            var input = mutator.Next();
            var failure = Record.Exception(() => FuzzTargets.All[target]([.. input]));
            Assert.True(failure is null, $"{Convert.ToHexString(input)}: {failure}");
        }
    }
}
