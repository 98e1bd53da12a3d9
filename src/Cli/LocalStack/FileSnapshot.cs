using System.IO.Enumeration;

namespace UdpGateway.Cli.LocalStack;

/// <summary>
/// The files of some folders with their times and sizes. Taken again and again instead of asking the system for notifications:
/// these run out on large trees, and do not exist for folders that a virtual machine or a container shares.
/// </summary>
internal sealed class FileSnapshot
{
    // What builds, package managers and editors write, not people.
    private static readonly string[] IgnoredFolders = ["bin", "obj", "node_modules", "__pycache__"];

    private static readonly EnumerationOptions Recursive = new() { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.System, MaxRecursionDepth = 30 };

    private readonly Dictionary<string, (DateTime Written, long Length)> _files = new(StringComparer.Ordinal);

    /// <param name="paths">Files, and folders with all that is below them.</param>
    /// <param name="excluded">A folder to leave out, wherever it is.</param>
    public static FileSnapshot Take(IEnumerable<string> paths, string excluded)
    {
        var snapshot = new FileSnapshot();
        foreach (var path in paths)
        {
            if (Directory.Exists(path))
                snapshot.AddFolder(path, excluded);
            else if (new FileInfo(path) is { Exists: true } file)
                snapshot._files[path] = (file.LastWriteTimeUtc, file.Length);
        }

        return snapshot;
    }

    /// <summary>The files that came, went, or were written between the two.</summary>
    public IReadOnlyList<string> Differences(FileSnapshot later) =>
    [
        .. _files.Keys.Where(path => !later._files.ContainsKey(path))
            .Concat(later._files.Where(file => !_files.TryGetValue(file.Key, out var before) || before != file.Value).Select(file => file.Key))
            .Order(StringComparer.Ordinal),
    ];

    private void AddFolder(string folder, string excluded)
    {
        try
        {
            var files = new FileSystemEnumerable<(string Path, DateTime Written, long Length)>(
                folder,
                (ref FileSystemEntry entry) => (entry.ToFullPath(), entry.LastWriteTimeUtc.UtcDateTime, entry.Length),
                Recursive)
            {
                ShouldIncludePredicate = (ref FileSystemEntry entry) => !entry.IsDirectory && !IsHidden(entry.FileName),
                ShouldRecursePredicate = (ref FileSystemEntry entry) => !IsHidden(entry.FileName) && !IsIgnored(entry.FileName) && entry.ToFullPath() != excluded,
            };
            foreach (var (path, written, length) in files)
                _files[path] = (written, length);
        }
        catch (DirectoryNotFoundException)
        {
            // It went while it was read; the next snapshot tells.
        }
    }

    private static bool IsHidden(ReadOnlySpan<char> name) => name[0] == '.' || name[^1] == '~';

    private static bool IsIgnored(ReadOnlySpan<char> name)
    {
        foreach (var ignored in IgnoredFolders)
        {
            if (name.SequenceEqual(ignored))
                return true;
        }

        return false;
    }
}
