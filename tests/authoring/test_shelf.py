"""Prevents: files that ship with mistakes, a journey whose playbook is not what was written, and days that are scaled
twice or not at all."""

import json
import shutil
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from authoring.shelf import Shelf, check, load
from models.playbook import Playbook, duration
from models.settings import Settings
from platforms.base import Platform

Platforms = Mapping[str, Platform]

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent


@pytest.fixture
def shelf(tmp_path: Path, few_platforms: Platforms) -> Callable[..., Shelf]:
    """Loads a small playbook that is right, on days of a given length."""
    shutil.copytree(HERE / "right", tmp_path / "playbooks")
    (tmp_path / "playbooks" / "program.yaml").rename(tmp_path / "program.yaml")
    where = Settings(program=tmp_path / "program.yaml", playbooks=tmp_path / "playbooks")
    return lambda time_scale=1.0: load(where.model_copy(update={"time_scale": time_scale}), few_platforms)


def shipped() -> Settings:
    return Settings(program=ROOT / "program.yaml", playbooks=ROOT / "playbooks")


def test_what_ships_has_no_mistakes() -> None:
    assert [str(mistake) for mistake in check(shipped())] == []


@pytest.mark.parametrize("time_scale", [1.0, 3600.0])
def test_a_playbook_travels_unchanged(time_scale: float) -> None:
    loaded = load(shipped().model_copy(update={"time_scale": time_scale}))
    for name, playbook in loaded.playbooks.items():
        content = json.loads(json.dumps(loaded.content(name)))
        assert Playbook.model_validate(content) == playbook


def test_every_message_that_ships_can_be_rendered_for_somebody_unknown() -> None:
    messages = load(shipped()).messages
    for name in messages.names:
        rendered = messages.render(name, {"contact": {"first_name": None, "name": "Unknown"}}, "de-DE")
        assert rendered.subject
        assert rendered.text


def test_actions_know_their_platforms(shelf: Callable[..., Shelf]) -> None:
    playbook = shelf().playbooks["small"]
    gift, task, tier = playbook.steps["gift"].do
    assert (gift.platforms, gift.video_platforms) == (["my-gifts"], ["my-video"])
    assert (task.platforms, task.video_platforms) == (["my-crm"], [])
    assert tier.platforms == []
    assert playbook.reactions["shared"].do[0].platforms == ["my-chat"]
    assert (playbook.qualify_platforms, playbook.alert_platforms) == (["my-crm"], ["my-chat"])


def test_time_is_left_as_it_is(shelf: Callable[..., Shelf]) -> None:
    loaded = shelf()
    gift = loaded.playbooks["small"].steps["gift"]
    assert (gift.within, gift.hours) == (timedelta(hours=48), "business")
    assert gift.do[1].params["due"] == "2 days"
    assert loaded.program.governance.quiet is not None


def test_time_is_scaled_once(shelf: Callable[..., Shelf]) -> None:
    loaded = shelf(time_scale=86_400)
    playbook = loaded.playbooks["small"]
    gift, ask = playbook.steps["gift"], playbook.steps["ask"]
    assert gift.within == timedelta(seconds=2)
    assert gift.warn_before == timedelta(seconds=0.5)
    assert gift.do[0].plain_video_after == timedelta(seconds=1)
    assert duration(gift.do[1].params["due"]) == timedelta(seconds=2)
    assert [when.delay for when in ask.moments] == [timedelta(seconds=30), timedelta(seconds=1)]
    assert playbook.again == timedelta(seconds=90)
    assert (playbook.ends.after, playbook.ends.at_most) == (timedelta(seconds=180), timedelta(seconds=730))


def test_nobody_waits_for_office_hours_on_days_of_a_second(shelf: Callable[..., Shelf]) -> None:
    loaded = shelf(time_scale=86_400)
    assert loaded.playbooks["small"].steps["gift"].hours == "any"
    assert (loaded.program.governance.quiet, loaded.program.governance.business) == (None, None)


def test_a_task_is_never_due_at_once(shelf: Callable[..., Shelf]) -> None:
    loaded = shelf(time_scale=10_000_000)
    assert loaded.playbooks["small"].steps["gift"].do[1].params["due"] == "1 seconds"


def test_stories_are_no_playbooks(tmp_path: Path, few_platforms: Platforms) -> None:
    (tmp_path / "stories").mkdir()
    shutil.copy(HERE / "right" / "small.yaml", tmp_path / "stories" / "small.yaml")
    (tmp_path / "stories" / "small.stories.yaml").write_text("- not a playbook\n")
    settings = Settings(program=HERE / "right" / "program.yaml", playbooks=tmp_path / "stories")
    assert not [mistake for mistake in check(settings, few_platforms) if "stories.yaml" in mistake.file]
