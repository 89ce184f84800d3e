"""Prevents: an operator who steers somebody's referral when their journey was meant, or a journey that is over."""

from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from store.database import now
from store.record import workflow_of
from store.tables import contacts, identities, journeys

ADA = "email:ada@engines.example"


@pytest.fixture
async def ada(engine: AsyncEngine) -> str:
    async with engine.begin() as conn:
        await conn.execute(insert(contacts).values(id="c_ada"))
        await conn.execute(insert(identities).values(kind="email", value=ADA.partition(":")[2], contact_id="c_ada"))
    return "c_ada"


async def on_record(engine: AsyncEngine, journey: str, playbook: str, *, over: bool = False, ago: int = 0) -> str:
    """A journey of Ada's, or of a referral of hers; its workflow id."""
    of_referral = journey.startswith("r_")
    workflow = f"referral/{journey}" if of_referral else f"journey/{playbook}/c_ada"
    at = now() - timedelta(hours=ago)
    async with engine.begin() as conn:
        await conn.execute(
            insert(journeys).values(
                id=journey,
                playbook=playbook,
                contact_id="c_ada",
                subject_id=journey if of_referral else "c_ada",
                event_id=f"e_{journey}",
                workflow_id=workflow,
                start={},
                started_at=at,
                opened_at=at,
                ended_at=now() if over else None,
            )
        )
    return workflow


@pytest.mark.usefixtures("ada")
class TestOfAda:
    """Ada is known."""

    async def test_a_persons_journey_is_not_their_referrals(self, engine: AsyncEngine) -> None:
        thanks = await on_record(engine, "j_1", "thanks", ago=9)
        referral = await on_record(engine, "r_1", "referral")
        for name in (ADA, "c_ada", "j_1", thanks):
            assert await workflow_of(engine, name) == thanks
        for name in ("r_1", referral):
            assert await workflow_of(engine, name) == referral

    async def test_a_referral_alone_is_no_journey_of_theirs(self, engine: AsyncEngine) -> None:
        await on_record(engine, "r_1", "referral")
        for ended in (False, True):
            with pytest.raises(LookupError, match=f"there is no journey of {ADA}"):
                await workflow_of(engine, ADA, ended=ended)

    async def test_of_several_one_has_to_be_named(self, engine: AsyncEngine) -> None:
        await on_record(engine, "j_1", "thanks", ago=9)
        await on_record(engine, "j_2", "survey")
        for ended in (False, True):
            with pytest.raises(LookupError, match=r"name one of them: j_2 \(survey\), j_1 \(thanks\)"):
                await workflow_of(engine, ADA, ended=ended)

    async def test_what_is_over_can_only_be_looked_at(self, engine: AsyncEngine) -> None:
        thanks = await on_record(engine, "j_1", "thanks", over=True, ago=9)
        for name in (ADA, "j_1"):
            with pytest.raises(LookupError, match="runs any more"):
                await workflow_of(engine, name)
            assert await workflow_of(engine, name, ended=True) == thanks

    async def test_one_that_runs_comes_before_newer_ones_that_are_over(self, engine: AsyncEngine) -> None:
        thanks = await on_record(engine, "j_1", "thanks", ago=9)
        await on_record(engine, "j_2", "survey", over=True)
        for ended in (False, True):
            assert await workflow_of(engine, ADA, ended=ended) == thanks

    async def test_a_journey_that_is_over_is_not_the_next_one_of_the_same_name(self, engine: AsyncEngine) -> None:
        await on_record(engine, "j_1", "thanks", over=True, ago=9)
        await on_record(engine, "j_2", "thanks")
        with pytest.raises(LookupError, match="no journey of j_1 runs any more"):
            await workflow_of(engine, "j_1")


async def test_nobody_has_no_journey(engine: AsyncEngine) -> None:
    with pytest.raises(LookupError, match=r"there is no journey of email:bo@new\.example"):
        await workflow_of(engine, "email:bo@new.example")
