"""Prevents: a person who asked to be forgotten and is written to all the same, by a journey that nobody ended."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.starter.cli.conftest import Ovation, aside, told
from tests.store.test_erasure import where_written
from tests.workflows.advocate import ADA, known_in_the_crm
from tests.workflows.conftest import time_skipping
from tests.world import World, world

MARKS = (ADA, "Lovelace", "Analytical Engines", "Wonderful, says Ada")
"""Words of a person that the vendors and the record know."""


@pytest.fixture
async def env() -> AsyncIterator[WorkflowEnvironment]:
    async with time_skipping() as made:
        yield made


@pytest.fixture
async def thanked(env: WorkflowEnvironment, database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """Ada, to whom a gift is on its way."""

    async def now() -> datetime:
        return await env.get_current_time()

    async with world(env.client, database_url, now=now) as made:
        monkeypatch.setenv("TEMPORAL_ADDRESS", env.client.service_client.config.target_host)
        await known_in_the_crm(made)
        comment = "Wonderful, says Ada"
        await made.report("nps.answered", f"email:{ADA}", "answer", score=10, comment=comment, has_comment=True)
        await made.done("gift", "send_gift")
        yield made


async def test_who_is_erased_is_nowhere_and_hears_no_more(ovation: Ovation, thanked: World) -> None:
    for mark in MARKS:
        assert await where_written(thanked.engine, mark), f"{mark} is nowhere to begin with"
    handle = await thanked.handle(ADA)
    result = await aside(ovation, "contact", "erase", ADA, "--yes", "--by", "grace", "--json")
    assert result.exit_code == 0, result.output
    receipt = told(result)
    assert receipt["ended"] == [handle.id]
    assert [name.partition(":")[0] for name in receipt["known_at"]] == ["hubspot"]
    assert {mark: found for mark in MARKS if (found := await where_written(thanked.engine, mark))} == {}
    assert await asyncio.wait_for(handle.result(), 30) == "the person was erased", "the journey itself is over"
    [gift] = await thanked.effects(effect="send_gift")
    assert (gift.status, gift.contact_id) == ("done", receipt["contact"]), "what was done stays on record"
    assert (await aside(ovation, "contact", "export", ADA)).exit_code == 1


async def test_an_export_tells_all_of_it(ovation: Ovation, thanked: World) -> None:
    result = await aside(ovation, "contact", "export", ADA)
    assert result.exit_code == 0
    found = told(result)
    assert [row["first_name"] for row in found["contacts"]] == ["Ada"]
    assert [row["data"]["comment"] for row in found["inbox"] if row["type"] == "nps.answered"] == [
        "Wonderful, says Ada"
    ]
    for mark in MARKS:
        assert mark in result.stdout


def test_nothing_is_erased_unless_it_is_meant(ovation: Ovation) -> None:
    result = ovation("contact", "erase", ADA, "--json")
    assert result.exit_code == 2
    assert told(result) == {"error": "nothing was erased: confirm, or say --yes"}
