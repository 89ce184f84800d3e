"""Everything that was written, laid side by side with where it stands: what a rule looks at."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, get_args

from pydantic import BaseModel

from authoring.messages import Messages
from authoring.mistakes import Mistake
from authoring.source import Document, Where
from models.effect import EFFECTS
from models.playbook import Action, Doing, Playbook
from models.program import Program
from platforms.base import Platform

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Written(Generic[M]):
    """A file that has the right shape."""

    document: Document
    model: M

    def mistake(self, path: Where, message: str, *, key: bool = False) -> Mistake:
        """A mistake at a value of this file, or at its key. The rule's name is put in by whoever runs the rule."""
        return self.document.mistake(path, message, "", key=key)


@dataclass(frozen=True)
class Desk:
    """The whole of a marketer's work."""

    program: Written[Program]
    playbooks: list[Written[Playbook]]
    messages: Messages
    platforms: Mapping[str, Platform]


def doings(playbook: Playbook) -> Iterator[tuple[list[str | int], Doing]]:
    """Every step and reaction, and where it stands in the file."""
    for name, step in playbook.steps.items():
        yield ["steps", name], step
    for name, reaction in playbook.reactions.items():
        yield ["reactions", name], reaction


def actions(playbook: Playbook) -> Iterator[tuple[list[str | int], Doing, Action]]:
    """Every action, the step it belongs to, and where its parameters stand in the file."""
    for path, doing in doings(playbook):
        for number, action in enumerate(doing.do):
            yield [*path, "do", number, action.verb], doing, action


def marked(action: Action, mark: str) -> Iterator[tuple[str, str]]:
    """The parameters of an action that bear a mark of `models.effect`, and what they say."""
    fields = {info.alias or name: info for name, info in EFFECTS[action.verb].takes.model_fields.items()}
    for name, value in action.params.items():
        inner = [part for kind in get_args(fields[name].annotation) for part in get_args(kind)]
        if mark in [*fields[name].metadata, *inner]:
            yield name, str(value)
