"""`poscli logs` as people write it who come from the original, `pos-cli`: each way gets the name that it has here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import click

_FILTER: Final = "write --type TYPE: only entries of that type"
_INTERVAL: Final = "leave it out: with --tail, each entry is shown as soon as it is written"
_QUIET: Final = "write --format short: less of each entry"
_OPTIONS: Final[Mapping[str, str]] = {
    "--filter": _FILTER,
    "--interval": _INTERVAL,
    "-i": _INTERVAL,
    "--quiet": _QUIET,
    "-q": _QUIET,
    "--follow": "write --tail, or -f",
}


class KnowsOriginal(click.Command):
    """A command that takes no arguments, and says so to who names an environment."""

    allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the command line.

        Raises:
            UsageError: for what stands for something else here, with how that is written.
        """
        try:
            left = super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            advice = _OPTIONS.get(error.option_name)
            if advice is None:
                raise
            raise click.UsageError(f"no such option {error.option_name}: {advice}", ctx) from error
        if ctx.args and not ctx.resilient_parsing:
            given = ctx.args[0]
            message = f"no environment is named here, such as '{given}': the settings say whose log it is"
            raise click.UsageError(f"{message}, LIQUID_BACKGROUND_REDIS_URL or --app; for one name, --source-name", ctx)
        return left
