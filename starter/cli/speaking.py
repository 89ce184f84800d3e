"""The command line as a whole: whichever command fails, it says so in one place and one way.

The failure prevented: a script that asked for JSON and got none, since one of thirty commands forgot to say its failure
in JSON.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from starter.cli.console import Stopped, err
from starter.cli.trouble import Trouble, trouble_of


class Speaking(TyperGroup):
    """`ovation` itself. Failures of every command pass through here."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.obj = "--json" in args  # here, since wrong use may end the command before its options are read
        with _saying(ctx):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        with _saying(ctx):
            return super().invoke(ctx)


@contextmanager
def _saying(ctx: Any) -> Iterator[None]:
    """Says what went wrong, on stdout in JSON where that is wanted, and always in words on stderr."""
    try:
        yield
    except (typer.Exit, typer.Abort):
        raise
    except typer.TyperException as wrong:  # typer says it in words
        _tell_script(ctx, wrong.format_message())
        raise
    except Exception as error:
        found = error.trouble if isinstance(error, Stopped) else trouble_of(error)
        _tell_script(ctx, (found or Trouble(f"a fault of ours: {type(error).__name__}")).words)
        if found is None:
            raise
        err.print(found.words, soft_wrap=True)
        raise typer.Exit(found.status) from error


def _tell_script(ctx: Any, words: str) -> None:
    if ctx.obj:
        typer.echo(json.dumps({"error": words}, ensure_ascii=False))
