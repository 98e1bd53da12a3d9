using System.CommandLine;
using UdpGateway.Cli.Templates;

namespace UdpGateway.Cli.Commands;

/// <summary>Reads and checks a template as <c>up</c> does, and does nothing else: no process, no connection, no file.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var options = new TemplateOptions();
        var format = new Option<string>("--format")
        {
            Description = "text: problems as FILE:LINE: PATH: SENTENCE on stderr; json: everything on stdout; github: annotations of a GitHub workflow on stdout.",
            HelpName = "FORMAT",
            DefaultValueFactory = _ => TemplateReport.Formats[0],
        };
        format.AcceptOnlyFromAmong([.. TemplateReport.Formats]);
        var command = new Command("validate", "Checks a template and reports every problem on a line of its own.");
        options.AddTo(command);
        command.Options.Add(format);
        command.SetAction(parsed =>
        {
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
                    problems.Note(function.Location, "Resources." + function.LogicalId, $"{function.Obstacle} `up` cannot run it.");
            }

            var report = new TemplateReport(file, listeners, problems);
            report.Write(parsed.GetValue(format)!, parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error);
            return problems.Problems.Count == 0 ? 0 : CommandLine.UserError;
        });
        return command;
    }
}
