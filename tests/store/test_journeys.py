"""Prevents: somebody thanked twice for one answer, entering again too early, or a clock that starts out of its time."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from models.playbook import Playbook
from store.database import now
from store.journey import Running, end_journey, enter, never_seen, saw_running
from store.tables import entries

PLAYBOOK = Playbook.model_validate(
    {"playbook": "thanks", "title": "Thanks", "purpose": "gratitude", "starts": ["nps.answered"], "again": "90 days"}
)
CONTENT = PLAYBOOK.model_dump(mode="json", by_alias=True)


async def come_in(engine: AsyncEngine, event: str, at: datetime, who: str = "c_1") -> str | None:
    start = await enter(engine, PLAYBOOK, CONTENT, who, event, at, {"score": 10})
    return None if start is None else start.journey


async def reasons(engine: AsyncEngine) -> list[str | None]:
    async with engine.connect() as conn:
        return list((await conn.execute(select(entries.c.refused).order_by(entries.c.at))).scalars())


async def test_the_same_event_opens_the_same_journey(engine: AsyncEngine) -> None:
    first = await come_in(engine, "e_1", now())
    assert first is not None
    assert await come_in(engine, "e_1", now()) == first


async def test_a_second_answer_does_not_open_a_second_journey(engine: AsyncEngine) -> None:
    await come_in(engine, "e_1", now())
    assert await come_in(engine, "e_2", now()) is None
    assert await reasons(engine) == [None, "they are in this playbook already"]


async def test_who_went_through_may_enter_again_after_the_time_the_playbook_says(engine: AsyncEngine) -> None:
    journey = await come_in(engine, "e_1", now())
    assert journey is not None
    await end_journey(engine, journey, "quiet")
    async with engine.begin() as conn:  # it happened a while ago
        await conn.execute(
            text("UPDATE journeys SET started_at = now() - interval '80 days', ended_at = now() - interval '1 day'")
        )
    assert await come_in(engine, "e_2", now()) is None
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE journeys SET started_at = now() - interval '91 days'"))
    assert await come_in(engine, "e_3", now()) is not None
    assert "may enter again 90 days later" in str((await reasons(engine))[1])


async def test_the_clocks_run_from_the_answer(engine: AsyncEngine) -> None:
    answered = now() - timedelta(hours=5)
    start = await enter(engine, PLAYBOOK, CONTENT, "c_1", "e_1", answered, {})
    assert start is not None
    assert start.started == answered


async def test_the_clocks_of_a_backfill_run_from_its_arrival(engine: AsyncEngine) -> None:
    start = await enter(engine, PLAYBOOK, CONTENT, "c_1", "e_1", datetime(2026, 1, 15, tzinfo=UTC), {})
    assert start is not None
    assert now() - start.started < timedelta(minutes=1)


async def test_a_clock_that_goes_ahead_starts_nothing_in_the_future(engine: AsyncEngine) -> None:
    start = await enter(engine, PLAYBOOK, CONTENT, "c_1", "e_1", now() + timedelta(days=2), {})
    assert start is not None
    assert start.started <= now()


async def test_a_journey_is_missed_until_its_workflow_was_seen(engine: AsyncEngine) -> None:
    journey = await come_in(engine, "e_1", now())
    assert journey is not None
    assert [start.journey for start, _ in await never_seen(engine, timedelta())] == [journey]
    await saw_running(engine, journey)
    assert await never_seen(engine, timedelta()) == []


def test_a_referral_hears_what_became_of_its_advocates_agreement() -> None:
    """The agreement is another journey's, and the reward that waits for it is the referral's."""
    referral = Running("r_1", "referral", "c_ada", "referral/r_1")
    for event in ("agreement.signed", "agreement.declined"):
        assert referral.hears(event, "c_ada", "j_1", None)
        assert not referral.hears(event, "c_eve", "j_1", None)
    assert not referral.hears("gift.delivered", "c_ada", "j_1", None)


async def test_under_a_time_scale_the_wait_is_told_in_a_unit_that_it_has(engine: AsyncEngine) -> None:
    hurried = PLAYBOOK.model_copy(update={"again": timedelta(days=90) / 86400})
    for event in ("e_1", "e_2"):
        start = await enter(engine, hurried, CONTENT, "c_1", event, now(), {})
        if start is not None:
            await end_journey(engine, start.journey, "quiet")
    assert str((await reasons(engine))[1]).endswith("may enter again 90 seconds later")
