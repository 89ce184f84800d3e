"""The marketer's files as the product uses them: read, checked, bound to platforms, and scaled in time.

Time scale enters here and nowhere else: what leaves this room has its durations divided already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from authoring import source
from authoring.desk import Desk, Written
from authoring.messages import Messages, read_messages
from authoring.mistakes import Mistake, Mistakes
from authoring.rules import broken_rules
from authoring.shape import mistakes_of
from models.effect import EFFECTS
from models.playbook import Action, Doing, Playbook, duration
from models.program import Program
from models.settings import Settings
from platforms import all_platforms
from platforms.base import Platform

STORIES = ".stories.yaml"

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Shelf:
    """Everything marketers wrote, ready to run."""

    program: Program
    playbooks: dict[str, Playbook]
    messages: Messages

    def content(self, name: str) -> dict[str, Any]:
        """A playbook as it travels with its journeys: `Playbook.model_validate` reads it back equal."""
        return self.playbooks[name].model_dump(mode="json", by_alias=True)


def load(settings: Settings, platforms: Mapping[str, Platform] | None = None) -> Shelf:
    """Everything that was written, if all of it is right; `platforms` are those that are installed, unless given.

    Raises Mistakes with every mistake of every file."""
    desk, mistakes = _lay_out(settings, platforms)
    if desk is None or mistakes:
        raise Mistakes(mistakes)
    bound = (_bound(written.model, desk.program.model) for written in desk.playbooks)
    playbooks = {playbook.playbook: _scaled(playbook, settings.time_scale) for playbook in bound}
    return Shelf(_unhurried(desk.program.model, settings.time_scale), playbooks, desk.messages)


def check(settings: Settings, platforms: Mapping[str, Platform] | None = None) -> list[Mistake]:
    """Every mistake of every file, in the order of the files."""
    return Mistakes(_lay_out(settings, platforms)[1]).found


def _lay_out(settings: Settings, platforms: Mapping[str, Platform] | None) -> tuple[Desk | None, list[Mistake]]:
    """What could be read, and every mistake. Rules look at whatever has the right shape."""
    mistakes: list[Mistake] = []
    program = _written(settings.program, Program, mistakes)
    messages, found = read_messages(settings.playbooks / "messages")
    mistakes += found
    if not settings.playbooks.is_dir():
        words = "there is no such folder: set OVATION_PLAYBOOKS to the folder of your playbooks"
        mistakes.append(Mistake(source.shown(settings.playbooks), 1, 1, words, source.RULE))
    written = [_written(path, Playbook, mistakes) for path in playbook_files(settings.playbooks)]
    if program is None:
        return None, mistakes
    playbooks = [playbook for playbook in written if playbook is not None]
    desk = Desk(program, playbooks, messages, all_platforms() if platforms is None else platforms)
    return desk, [*mistakes, *broken_rules(desk)]


def playbook_files(folder: Path) -> list[Path]:
    """The playbooks of a folder, without their stories."""
    return [path for path in sorted(folder.glob("*.yaml")) if not path.name.endswith(STORIES)]


def _written(path: Path, model: type[M], mistakes: list[Mistake]) -> Written[M] | None:
    try:
        document = source.read_file(path)
    except Mistakes as found:
        mistakes += found.found
        return None
    try:
        return Written(document, model.model_validate(document.content))
    except ValidationError as error:
        mistakes += mistakes_of(error, document, model)
        return None


def _bound(playbook: Playbook, program: Program) -> Playbook:
    """The playbook with the platforms that program.yaml binds."""

    def platforms_of(verb: str) -> list[str]:
        return list(program.platforms.get(EFFECTS[verb].capability or "", []))

    def bound(action: Action) -> Action:
        video = platforms_of("make_video") if action.params.get("video") else []
        return action.model_copy(update={"platforms": platforms_of(action.verb), "video_platforms": video})

    def all_bound(doings: dict[str, Any]) -> dict[str, Doing]:
        return {name: doing.model_copy(update={"do": [bound(a) for a in doing.do]}) for name, doing in doings.items()}

    return playbook.model_copy(
        update={
            "steps": all_bound(playbook.steps),
            "reactions": all_bound(playbook.reactions),
            "qualify_platforms": platforms_of("qualify"),
            "alert_platforms": platforms_of("alert"),
        }
    )


def _scaled(playbook: Playbook, scale: float) -> Playbook:
    """Every duration divided. Nobody waits for office hours on days that last a minute."""
    if scale == 1:
        return playbook
    return Playbook.model_validate(_divided(playbook.model_dump(by_alias=True), scale))


def _divided(value: Any, scale: float) -> Any:
    if isinstance(value, timedelta):
        return value / scale
    if isinstance(value, list):
        return [_divided(item, scale) for item in value]
    if isinstance(value, dict):
        return {key: _divided_entry(key, item, scale) for key, item in value.items()}
    return value


def _divided_entry(key: str, value: Any, scale: float) -> Any:
    if key == "hours" and value == "business":
        return "any"
    if key == "due" and isinstance(value, str):  # a task's, kept as text
        return f"{max(1, round(duration(value).total_seconds() / scale))} seconds"
    return _divided(value, scale)


def _unhurried(program: Program, scale: float) -> Program:
    """Without quiet hours where days are compressed."""
    if scale == 1:
        return program
    governance = program.governance.model_copy(update={"quiet": None, "business": None})
    return program.model_copy(update={"governance": governance})
