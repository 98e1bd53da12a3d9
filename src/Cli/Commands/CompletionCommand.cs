using System.CommandLine;

namespace UdpGateway.Cli.Commands;

/// <summary>
/// <c>udpgw completion SHELL</c>: a script for the shell's start-up file. The shell then asks this program itself, through the
/// directive <c>[suggest:POSITION]</c>, so that verbs and options never differ from what the program knows.
/// </summary>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, string> Scripts = new(StringComparer.Ordinal)
    {
        ["bash"] =
            """
            _udpgw() {
              local line="${COMP_LINE}" point="${COMP_POINT}" IFS=$'\n'
              # COMP_WORDS splits at '=' and ':', the program does not.
              COMPREPLY=($(compgen -W "$(udpgw "[suggest:${point}]" "${line}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
            }
            complete -o bashdefault -o default -F _udpgw udpgw
            """,
        ["zsh"] =
            """
            #compdef udpgw
            _udpgw() {
              local -a answers
              answers=("${(@f)$(udpgw "[suggest:${CURSOR}]" "${BUFFER}" 2>/dev/null)}")
              compadd -a answers
              _files
            }
            compdef _udpgw udpgw
            """,
        ["fish"] =
            """
            complete -c udpgw -a '(udpgw "[suggest:"(string length -- (commandline -cp))"]" (commandline -cp) 2>/dev/null)'
            """,
        ["powershell"] =
            """
            Register-ArgumentCompleter -Native -CommandName udpgw -ScriptBlock {
              param($wordToComplete, $commandAst, $cursorPosition)
              udpgw "[suggest:$cursorPosition]" "$commandAst" 2>$null | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
              }
            }
            """,
    };

    public static Command Create()
    {
        var shell = new Argument<string>("SHELL") { Description = $"{string.Join(", ", Scripts.Keys)}." };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        var command = new Command("completion", "Prints a script that completes verbs and options in a shell.") { shell };
        command.SetAction(parsed => parsed.InvocationConfiguration.Output.WriteLine(Scripts[parsed.GetRequiredValue(shell)].ReplaceLineEndings("\n")));
        return command;
    }
}
