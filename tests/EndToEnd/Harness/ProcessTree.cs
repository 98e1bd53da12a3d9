using System.Globalization;

namespace UdpGateway.EndToEnd.Tests.Harness;

/// <summary>Linux processes by their parents, read from <c>/proc</c>.</summary>
internal static class ProcessTree
{
    /// <summary>Each as <c>id@start</c>, which names one process for ever.</summary>
    public static IReadOnlyList<string> DescendantsOf(int processId)
    {
        var children = All().ToLookup(process => process.Parent);
        var descendants = new List<string>();
        var open = new Queue<int>([processId]);
        while (open.TryDequeue(out var parent))
        {
            foreach (var child in children[parent])
            {
                descendants.Add(child.Name);
                open.Enqueue(child.Id);
            }
        }

        return descendants;
    }

    public static IReadOnlyList<string> Alive(IEnumerable<string> names) =>
        [.. names.Intersect(All().Where(process => process.State != 'Z').Select(process => process.Name), StringComparer.Ordinal)];

    private static List<(int Id, int Parent, char State, string Name)> All()
    {
        var processes = new List<(int, int, char, string)>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
                continue;
            string stat;
            try
            {
                stat = File.ReadAllText(Path.Combine(directory, "stat"));
            }
            catch (IOException)
            {
                // It ended in the meantime.
                continue;
            }

            // proc_pid_stat(5): the name stands in parentheses and may hold anything; behind it state, parent, and as 22nd the start time.
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            processes.Add((id, int.Parse(fields[1], CultureInfo.InvariantCulture), fields[0][0], $"{id}@{fields[19]}"));
        }

        return processes;
    }
}
