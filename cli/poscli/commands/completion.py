"""`poscli completion`: the shell's completion script."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, get_completion_class

from poscli.terminal import hint

_INSTALL = {
    "bash": 'eval "$(poscli completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(poscli completion zsh)"    # in ~/.zshrc',
    "fish": "poscli completion fish > ~/.config/fish/completions/poscli.fish",
}

# bash breaks words at `:`, `=` and `@` too, and puts what is offered in place of what stands behind the last of them.
_BASH = r"""
%(complete_func)s() {
    local IFS=$'\n' line=${COMP_LINE:0:COMP_POINT} words=("$1") word prefix completion type value
    line=${line#*"$1"}
    for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [[ $line == [[:space:]]* || ${#words[@]} -eq 1 ]]; then
            words+=("$word")
        else
            words[-1]+=$word
        fi
        line=${line#"${line%%%%[![:space:]]*}"}
        line=${line#"$word"}
    done
    word=${words[-1]}
    prefix=${word%%"${word##*["$COMP_WORDBREAKS"]}"}

    for completion in $(
        env COMP_WORDS="${words[*]}" COMP_CWORD=$((${#words[@]} - 1)) %(complete_var)s=bash_complete "$1"
    ); do
        IFS=',' read -r type value <<< "$completion"
        case $type in
            dir) COMPREPLY=(); compopt -o dirnames ;;
            file) COMPREPLY=(); compopt -o default ;;
            plain) COMPREPLY+=("${value#"$prefix"}") ;;
        esac
    done
    return 0
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""


class _Bash(BashComplete):
    source_template = _BASH


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_INSTALL)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for a shell.

    It offers commands, options, pages, source names and job ids; of the names that template authors chose, only those
    that mean nothing to a shell. It loads no application and starts no store.

    \b
    Examples:
      eval "$(poscli completion bash)"
      poscli completion fish > ~/.config/fish/completions/poscli.fish
    """
    completion = _Bash if shell == _Bash.name else get_completion_class(shell)
    assert completion is not None
    print(completion(ctx.find_root().command, {}, "poscli", "_POSCLI_COMPLETE").source())
    hint(f"To have it in each shell: {_INSTALL[shell]}")
