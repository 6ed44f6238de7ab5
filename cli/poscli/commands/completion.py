"""`poscli completion`: the shell's completion script."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from poscli.terminal import hint

_INSTALL = {
    "bash": 'eval "$(poscli completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(poscli completion zsh)"    # in ~/.zshrc',
    "fish": "poscli completion fish > ~/.config/fish/completions/poscli.fish",
}


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
    completion = get_completion_class(shell)
    assert completion is not None
    print(completion(ctx.find_root().command, {}, "poscli", "_POSCLI_COMPLETE").source())
    hint(f"To have it in each shell: {_INSTALL[shell]}")
