using System.Text;

namespace UdpGateway.Cli.Templates;

/// <summary>Reads a template, or a file that it includes, to nodes.</summary>
internal static class TemplateReader
{
    /// <summary>CloudFormation's own limit for a template in S3.</summary>
    private const int MaxBytes = 1_048_576;

    /// <summary>Deeper than any real template; keeps recursion within the stack.</summary>
    internal const int MaxDepth = 100;

    /// <summary>Null when the file cannot be read; the reason is reported.</summary>
    /// <param name="displayName">The file's name in messages.</param>
    public static TemplateNode? Read(string file, string displayName, ProblemList problems)
    {
        byte[] content;
        try
        {
            if (Directory.Exists(file))
            {
                problems.Report(new SourceLocation(displayName, 0), null, "This is a folder; name the template file in it.");
                return null;
            }

            using var stream = File.OpenRead(file);
            content = new byte[MaxBytes + 1];
            // Not by the file's length: a pipe has none.
            var length = stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
            if (length > MaxBytes)
            {
                problems.Report(new SourceLocation(displayName, 0), null, $"The file has more than the {MaxBytes} bytes that CloudFormation takes.");
                return null;
            }

            Array.Resize(ref content, length);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            problems.Report(new SourceLocation(displayName, 0), null, "There is no such file.");
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problems.Report(new SourceLocation(displayName, 0), null, $"The file cannot be read: {exception.Message}");
            return null;
        }

        return Parse(content, displayName, problems);
    }

    public static TemplateNode? Parse(ReadOnlySpan<byte> content, string displayName, ProblemList problems)
    {
        if (content.StartsWith(Encoding.UTF8.Preamble))
            content = content[Encoding.UTF8.Preamble.Length..];
        try
        {
            return content.TrimStart(" \t\r\n"u8).StartsWith("{"u8)
                ? JsonTemplateReader.Read(content, displayName)
                : YamlTemplateReader.Read(Encoding.UTF8.GetString(content), displayName);
        }
        catch (TemplateSyntaxException exception)
        {
            problems.Report(exception.Location, null, exception.Message);
            return null;
        }
    }
}

/// <summary>The text is not well formed; nothing after this place can be read.</summary>
internal sealed class TemplateSyntaxException(SourceLocation location, string sentence) : Exception(sentence)
{
    public SourceLocation Location { get; } = location;
}
