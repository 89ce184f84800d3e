"""Prevents: an example that is copied and does not work.

Each is checked as `ovation playbook check` does, and every playbook of it keeps what its stories promise.
"""

from pathlib import Path

import pytest

from authoring.shelf import check, load
from authoring.stories import run_stories
from models.settings import Settings

EXAMPLES = sorted(path.parent for path in (Path(__file__).parents[2] / "examples").glob("*/program.yaml"))
each_example = pytest.mark.parametrize("folder", EXAMPLES, ids=lambda folder: folder.name)


def _settings(folder: Path) -> Settings:
    return Settings(program=folder / "program.yaml", playbooks=folder / "playbooks")


def test_the_worked_examples_are_there() -> None:
    there = {folder.name for folder in EXAMPLES}
    assert there >= {"business-services", "e-commerce", "every-platform", "subscription-software"}


@each_example
def test_an_example_has_no_mistake(folder: Path) -> None:
    assert [str(mistake) for mistake in check(_settings(folder))] == []


@each_example
def test_every_playbook_of_an_example_keeps_its_promises(folder: Path) -> None:
    playbooks = load(_settings(folder)).playbooks
    results = run_stories(folder / "playbooks", playbooks)
    assert [str(result) for result in results if not result.passed] == []
    assert {result.playbook for result in results} == playbooks.keys(), "a playbook without a story"
