"""What operators use: commands, Updates, search attributes; read from where they are defined.

Prevents a command nobody hears of, and a query by a search attribute that does not exist.
"""

import inspect
from collections.abc import Iterator
from typing import Any

import typer

from models.journey import SEARCH_ATTRIBUTES
from starter.cli.main import app
from tests.docs.pages import table
from workflows.journey import Journey

ATTRIBUTES = {
    "OvationPlaybook": "the playbook's name",
    "OvationContact": "our id of the person, `c_…`; never a name or an address",
    "OvationStage": "the step it is at, or `starting`, `listening`, `paused`, `ending`, `ended`",
    "OvationTier": "`none`, `advocate`, `champion`, `elite`",
    "OvationNeedsAttention": "a person has to look: stuck, in doubt, waiting for a fix, a deadline near or missed",
    "OvationDeadline": "the nearest deadline that is not met yet",
    "OvationNextAt": "when the next step is due, as of the last change of stage",
}


def every_command() -> dict[str, Any]:
    """`playbook check` → its command, of all that `ovation` can do."""
    return dict(_below(typer.main.get_command(app), ""))


def _below(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name.strip(), command
    for word, each in (inner or {}).items():
        yield from _below(each, f"{name} {word}")


def commands() -> str:
    """Command, what it does, an example; as `--help` says."""
    rows = [(f"`ovation {name}`", *_help(command)) for name, command in every_command().items()]
    return table(("command", "does", "example"), *rows)


def _help(command: Any) -> tuple[str, str]:
    does, _, example = inspect.cleandoc(command.help or "").partition("Example:")
    return " ".join(does.split()), f"`{' '.join(example.split())}`" if example else ""


def updates() -> str:
    """The Updates that a running journey takes."""
    rows = [(f"`{made.name}`", str(made.description)) for made in _definitions()]
    return table(("Update", "does"), *rows)


def _definitions() -> list[Any]:
    """In the order in which they are written."""
    found = (getattr(member, "_defn", None) for member in vars(Journey).values())
    return [made for made in found if made is not None]


def attributes() -> str:
    """The search attributes, as they are registered."""
    rows = [(f"`{name}`", kind, ATTRIBUTES[name]) for name, kind in SEARCH_ATTRIBUTES.items()]
    return table(("search attribute", "type", "holds"), *rows)
