using Microsoft.Extensions.Logging;

namespace UdpGateway.Cli.Terminal;

/// <summary>Logs as plain lines: time, level, category, message. One writer, so that lines of threads never mix.</summary>
internal sealed class LineLoggerProvider(TextWriter output, LogLevel minimum) : ILoggerProvider
{
    private readonly TextWriter _output = TextWriter.Synchronized(output);

    public ILogger CreateLogger(string categoryName) => new LineLogger(_output, categoryName[(categoryName.LastIndexOf('.') + 1)..], minimum);

    public void Dispose() => _output.Flush();

    private sealed class LineLogger(TextWriter output, string category, LogLevel minimum) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= minimum && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            var level = logLevel switch
            {
                LogLevel.Warning => "warn ",
                LogLevel.Error or LogLevel.Critical => "error",
                _ => "info ",
            };
            var detail = exception is null ? "" : $" ({exception.GetType().Name}: {exception.Message})";
            output.WriteLine($"{TimeProvider.System.GetLocalNow():HH:mm:ss.fff} {level} {category}: {formatter(state, exception)}{detail}");
        }
    }
}
