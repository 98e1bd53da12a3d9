namespace UdpGateway.Cli.LocalLambda;

/// <summary>
/// The environment of a function's process. Only the listed variables of the user's environment pass, so that no token or
/// credential of the user reaches code of a template.
/// </summary>
internal static class FunctionVariables
{
    // What programs need to start at all; the second line is for Windows.
    private static readonly string[] Inherited =
    [
        "PATH", "LANG", "LC_ALL", "DOTNET_ROOT", "AWS_ENDPOINT_URL",
        "SystemRoot", "SystemDrive", "windir", "ComSpec", "PATHEXT", "NUMBER_OF_PROCESSORS", "PROCESSOR_ARCHITECTURE",
    ];

    /// <param name="runtimeApi">Authority and path of the Runtime API of this one process, without a scheme.</param>
    /// <param name="scratchDirectory">Holds the folders that the function sees as its home and its temporary folder.</param>
    public static Dictionary<string, string> Build(
        LocalFunction function, LaunchCommand command, LocalLambdaOptions options, string runtimeApi, string logStreamName, string scratchDirectory)
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal) { ["LANG"] = "en_US.UTF-8" };
        foreach (var name in Inherited)
        {
            if (Environment.GetEnvironmentVariable(name) is { Length: > 0 } value) variables[name] = value;
        }

        var home = Directory.CreateDirectory(Path.Combine(scratchDirectory, "home")).FullName;
        var temporary = Directory.CreateDirectory(Path.Combine(scratchDirectory, "tmp")).FullName;
        variables["HOME"] = home;
        variables["TMPDIR"] = temporary;
        if (OperatingSystem.IsWindows())
        {
            variables["USERPROFILE"] = home;
            variables["TEMP"] = variables["TMP"] = temporary;
        }

        variables["TZ"] = "UTC";
        Add(variables, command.Variables);
        Add(variables, options.ServiceEndpoints);
        Add(variables, function.Environment);

        // Reserved by Lambda: the template cannot change these.
        variables["_HANDLER"] = function.Handler;
        variables["AWS_EXECUTION_ENV"] = command.ExecutionEnvironmentName;
        variables["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = function.MemorySize.ToString();
        variables["AWS_LAMBDA_FUNCTION_NAME"] = function.FunctionName;
        variables["AWS_LAMBDA_FUNCTION_VERSION"] = "$LATEST";
        variables["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand";
        variables["AWS_LAMBDA_LOG_GROUP_NAME"] = $"/aws/lambda/{function.FunctionName}";
        variables["AWS_LAMBDA_LOG_STREAM_NAME"] = logStreamName;
        variables["AWS_LAMBDA_RUNTIME_API"] = runtimeApi;
        variables["AWS_REGION"] = options.Region;
        variables["AWS_DEFAULT_REGION"] = options.Region;
        variables["LAMBDA_TASK_ROOT"] = command.TaskRoot;
        Add(variables, options.Credentials?.Invoke() ?? DummyCredentials);
        return variables;
    }

    // Of the form that SDKs accept and that no account knows; without them an SDK would look for the user's own.
    private static Dictionary<string, string> DummyCredentials { get; } = new(StringComparer.Ordinal)
    {
        ["AWS_ACCESS_KEY_ID"] = "AKIALOCALFUNCTION000",
        ["AWS_SECRET_ACCESS_KEY"] = "local-functions-have-no-credentials",
        ["AWS_SESSION_TOKEN"] = "local",
        ["AWS_EC2_METADATA_DISABLED"] = "true",
    };

    private static void Add(Dictionary<string, string> variables, IReadOnlyDictionary<string, string> more)
    {
        foreach (var (name, value) in more) variables[name] = value;
    }
}
