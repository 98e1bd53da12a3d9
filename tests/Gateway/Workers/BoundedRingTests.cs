using UdpGateway.Gateway.Workers;

namespace UdpGateway.Gateway.Tests.Workers;

public sealed class BoundedRingTests
{
    [Fact]
    public void Keeps_the_order_and_refuses_what_does_not_fit()
    {
        var ring = new BoundedRing<int>(4);

        for (var round = 0; round < 10; round++)
        {
            for (var i = 0; i < 4; i++)
                Assert.True(ring.TryEnqueue(i));
            Assert.False(ring.TryEnqueue(99));
            for (var i = 0; i < 4; i++)
            {
                Assert.True(ring.TryDequeue(out var item));
                Assert.Equal(i, item);
            }

            Assert.True(ring.IsEmpty);
            Assert.False(ring.TryDequeue(out _));
        }
    }

    [Fact]
    public async Task Loses_and_doubles_nothing_between_many_writers_and_one_reader()
    {
        const int Writers = 4;
        const int ItemsPerWriter = 50_000;
        var ring = new BoundedRing<(int Writer, int Item)>(64);
        var writers = Enumerable.Range(0, Writers).Select(writer => Task.Run(() =>
        {
            for (var item = 0; item < ItemsPerWriter; item++)
            {
                while (!ring.TryEnqueue((writer, item)))
                    Thread.Yield();
            }
        })).ToArray();

        var next = new int[Writers];
        for (var read = 0; read < Writers * ItemsPerWriter;)
        {
            if (!ring.TryDequeue(out var entry))
            {
                Thread.Yield();
                continue;
            }

            Assert.Equal(next[entry.Writer]++, entry.Item);
            read++;
        }

        await Task.WhenAll(writers);
        Assert.True(ring.IsEmpty);
    }
}
