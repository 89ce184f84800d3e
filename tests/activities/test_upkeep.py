"""Prevents: one event that nobody can keep, before which a platform's job stands for ever."""

from collections.abc import Generator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.upkeep import Upkeeper
from models.contact import Identity
from models.event import Event
from models.links import Links
from models.upkeep import UpkeepRun
from platforms.base import Call, Reply, Round, Upkeep, Upkept
from platforms.runner import Runner
from platforms.wootric import PLATFORM, WootricSettings
from store import marks
from store.tokens import TokenVault

RUN = UpkeepRun(platform="wootric", name="responses")


def answer(number: int, comment: str, score: int = 10) -> Event:
    return Event(
        type="nps.answered",
        source="wootric",
        source_id=str(number),
        subject=Identity(kind="email", value=f"p{number}@example.com"),
        at=datetime.now(UTC),
        data={"score": score, "comment": comment},
    )


@pytest.mark.parametrize("bad", [answer(2, "Canarelli\0"), answer(2, "Canarelli", score=11)])
async def test_an_event_that_nobody_can_keep_is_noted_and_passed_over(
    engine: AsyncEngine, bad: Event, caplog: pytest.LogCaptureFixture
) -> None:
    def talk(given: Round, settings: Any) -> Generator[Call, Reply, Upkept]:
        yield from ()
        return Upkept(mark={"seen": "all"}, events=[answer(1, "fine"), bad, answer(3, "fine")])

    platform = replace(PLATFORM, upkeep=(Upkeep("responses", timedelta(hours=1), talk, "looks for answers"),))
    vault = TokenVault(engine, ["a secret for tests"])
    runner = Runner(vault=vault)
    links = Links("http://ovation.test", ["a secret for tests"])
    upkeeper = Upkeeper(engine, links, runner, vault, {"wootric": (platform, WootricSettings())})
    try:
        done = await upkeeper.keep_up(RUN)
    finally:
        await runner.close()
    assert done.found == 2
    assert await marks.read(engine, RUN.schedule_id) == {"seen": "all"}
    async with engine.connect() as conn:
        assert (await conn.execute(text("SELECT source_id FROM inbox ORDER BY position"))).scalars().all() == ["1", "3"]
    assert "upkeep/wootric/responses: the event '2' was passed over: nps.answered" in caplog.text
    assert "Canarelli" not in caplog.text
