using System.CommandLine;
using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.Commands;

/// <summary>Reads and checks a template as <c>up</c> does, and does nothing else: no process, no connection, no file.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var options = new TemplateOptions();
        var command = new Command("validate", "Checks a template and reports every problem on a line of its own.");
        options.AddTo(command);
        command.SetAction(parsed =>
        {
            var output = parsed.InvocationConfiguration.Output;
            var file = parsed.GetValue(options.Template)!;
            var settings = options.Read(parsed, stack => TemplateSettings.PlaceholderStackId(stack.Region, stack.AccountId, stack.StackName)) with { UsePlaceholders = true };
            var problems = new ProblemList();
            var template = Template.Load(file, settings, problems);
            var listeners = 0;
            if (template is not null)
            {
                template.Check();
                listeners = DeclaredListeners.Check(template, problems);
                foreach (var function in template.Functions().Where(function => function.Obstacle is not null))
                    problems.Note($"{function.Location}: Resources.{function.LogicalId}: {function.Obstacle} `up` cannot run it.");
            }

            foreach (var note in problems.Notes)
                output.WriteLine($"note: {note}");
            problems.ThrowIfAny();
            output.WriteLine($"{file}: valid, {listeners} {(listeners == 1 ? "listener" : "listeners")}.");
        });
        return command;
    }
}
