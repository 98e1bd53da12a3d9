namespace UdpGateway.Listeners.Storage;

/// <summary>
/// A directory that only its owner can enter (0700) with files that only its owner can read (0600, from their creation).
/// A file is replaced in one step: readers and a crash see the old content or the new one.
/// </summary>
public sealed class PrivateDirectory
{
    private const string TemporaryExtension = ".tmp";

    private readonly string _path;

    /// <exception cref="EmbeddedStoreException">The directory cannot be made private.</exception>
    public PrivateDirectory(string path)
    {
        _path = path;
        try
        {
            if (OperatingSystem.IsWindows())
            {
                Directory.CreateDirectory(path);
            }
            else
            {
                Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new EmbeddedStoreException($"The directory {path} cannot be created or made private: {exception.Message}", exception);
        }
    }

    public string PathOf(string name) => Path.Combine(_path, name);

    /// <summary>Null when there is no such file.</summary>
    public byte[]? Read(string name) => File.Exists(PathOf(name)) ? File.ReadAllBytes(PathOf(name)) : null;

    public void Replace(string name, ReadOnlySpan<byte> content)
    {
        var temporary = PathOf($"{name}.{Path.GetRandomFileName()}{TemporaryExtension}");
        try
        {
            using (var stream = Open(temporary, FileMode.CreateNew, FileShare.None))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            File.Move(temporary, PathOf(name), overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <summary>Removes what a crash left half written; only for the directory's owner.</summary>
    public void DeleteTemporaryFiles()
    {
        foreach (var file in Directory.EnumerateFiles(_path, $"*{TemporaryExtension}"))
            File.Delete(file);
    }

    /// <summary>A file that is already gone is no error.</summary>
    public void Delete(string name) => File.Delete(PathOf(name));

    /// <summary>Holds the directory for this process until the stream is disposed.</summary>
    /// <exception cref="EmbeddedStoreException">Another process, or another store of this one, holds it.</exception>
    public FileStream Lock()
    {
        try
        {
            return Open(PathOf("lock"), FileMode.OpenOrCreate, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new EmbeddedStoreException($"The state in {_path} is in use by another process; stop that one first.", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new EmbeddedStoreException($"The state in {_path} belongs to another user.", exception);
        }
    }

    private static FileStream Open(string path, FileMode mode, FileShare share)
    {
        var options = new FileStreamOptions { Mode = mode, Access = FileAccess.ReadWrite, Share = share };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, options);
    }
}
