"""Prevents: a new vendor that needs a line in a list somewhere. A twenty-fifth platform is one folder and nothing else.

The folder is `tests/examples/parrot`; all that a test does is to put it where `platforms` looks.
"""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

import platforms
from authoring.shelf import check
from models.settings import Settings
from starter.cli.main import app
from tests.workflows.conftest import time_skipping
from tests.world import PLAYBOOKS, PROGRAM, world


@pytest.fixture(autouse=True)
def parrot(tmp_path: Path) -> Iterator[None]:
    """The folder, on the package's path."""
    shutil.copytree(Path(__file__).parent / "parrot", tmp_path / "vendors/parrot")
    platforms.__path__.append(str(tmp_path / "vendors"))
    platforms.all_platforms.cache_clear()
    yield
    platforms.__path__.remove(str(tmp_path / "vendors"))
    platforms.all_platforms.cache_clear()
    for name in [name for name in sys.modules if name.startswith("platforms.parrot")]:
        del sys.modules[name]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The shipped program, with cards at Parrot."""
    program = tmp_path / "program.yaml"
    program.write_text(PROGRAM.read_text().replace("  payouts: stripe\n", "  payouts: stripe\n  boards: parrot\n"))
    playbooks = shutil.copytree(PLAYBOOKS, tmp_path / "playbooks")
    referral = playbooks / "referral.yaml"
    referral.write_text(
        referral.read_text().replace("      - update_lead\n", "      - update_lead\n      - update_card\n")
    )
    return Settings(program=program, playbooks=playbooks)


def test_it_is_listed_with_what_it_can_do_and_what_it_lacks() -> None:
    listed = json.loads(CliRunner().invoke(app, ["platform", "list", "--json"]).output)
    [one] = [one for one in listed if one["platform"] == "parrot"]
    assert one["capabilities"] == ["boards"]
    assert one["actions"] == {"PutCard": "idempotent"}
    assert one["missing"] == ["OVATION_PARROT__API_KEY"]


def test_the_checker_takes_it_for_what_it_can_do_and_for_nothing_else(settings: Settings) -> None:
    assert [str(mistake) for mistake in check(settings)] == []
    text = settings.program.read_text()
    settings.program.write_text(text.replace("boards: parrot", "boards: slack"))
    assert "these can: parrot, trello" in "\n".join(map(str, check(settings)))
    settings.program.write_text(text.replace("crm: hubspot", "crm: parrot"))
    assert "parrot cannot do everything crm asks for" in "\n".join(map(str, check(settings)))


async def test_it_works_from_the_playbook_to_its_books(settings: Settings, database_url: str) -> None:
    async with (
        time_skipping() as env,
        world(env.client, database_url, program=settings.program, playbooks=settings.playbooks) as one,
    ):
        subject, by = "email:bo@new.example", "email:ada@engines.example"
        person = {"first_name": "Bo", "company": "New Ltd"}
        now = await env.get_current_time()
        await one.report("referral.submitted", subject, "1", at=now, referred_by=by, person=person)
        card = await one.done("lead", "update_card")
        assert card.platform == "parrot"
        books = await one.books("parrot")
        assert books == {"cards": {card.journey_id: {"title": "New Ltd", "stage": "accepted"}}, "written": 1}
        history = await one.referral(card.journey_id).fetch_history()
        queues = {e.activity_task_scheduled_event_attributes.task_queue.name for e in history.events}
        assert "platform-parrot" in queues, "the vendor's limit holds on a queue of its own"
