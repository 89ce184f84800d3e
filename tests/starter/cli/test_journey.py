"""Prevents: an operator who looks at, or steers, another journey than the one they meant; and one who waits for an
answer that never comes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from models.journey import JourneyStart
from starter.cli import steering
from store.database import new_id, now
from store.tables import contacts, identities, journeys
from tests.starter.cli.conftest import Ovation, aside, told

ADA = "ada@engines.example"
DEADLINE = datetime(2026, 11, 28, 0, 54, 18, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _here(temporal: Client, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.service_client.config.target_host)
    monkeypatch.setenv("OVATION_DATABASE_URL", database_url)


@pytest.fixture
async def ada(engine: AsyncEngine, temporal: Client) -> AsyncIterator[JourneyStart]:
    """Ada, on a journey that no worker leads on."""
    start = JourneyStart(journey=new_id("j"), contact=new_id("c"), playbook={"playbook": "thanks"}, started=now())
    async with engine.begin() as conn:
        await conn.execute(insert(contacts).values(id=start.contact))
        await conn.execute(insert(identities).values(kind="email", value=ADA, contact_id=start.contact))
        await conn.execute(
            insert(journeys).values(
                id=start.journey,
                playbook="thanks",
                contact_id=start.contact,
                subject_id=start.contact,
                event_id="e_1",
                workflow_id=start.workflow,
                start={},
                started_at=start.started,
            )
        )
    handle = await temporal.start_workflow(
        "AdvocateJourney",
        start,
        id=start.workflow,
        task_queue="nobody",
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(SearchAttributeKey.for_keyword("OvationContact"), start.contact),
                SearchAttributePair(SearchAttributeKey.for_datetime("OvationDeadline"), DEADLINE),
            ]
        ),
    )
    yield start
    await handle.terminate()


async def test_the_journeys_of_a_person_by_any_of_their_names(ovation: Ovation, ada: JourneyStart) -> None:
    for name in (ADA, f"email:{ADA}", ada.contact):
        found = told(await aside(ovation, "journey", "list", "--contact", name, "--json"))
        assert [one["workflow"] for one in found] == [ada.workflow]
    nobody = await aside(ovation, "journey", "list", "--contact", "bo@new.example", "--json")
    assert (nobody.exit_code, told(nobody)) == (1, {"error": "nobody is known as email:bo@new.example"})


async def test_a_deadline_is_an_instant_to_scripts_and_short_to_people(ovation: Ovation, ada: JourneyStart) -> None:
    [found] = told(await aside(ovation, "journey", "list", "--contact", ada.contact, "--json"))
    assert datetime.fromisoformat(found["deadline"]) == DEADLINE
    shown = (await aside(ovation, "journey", "list", "--contact", ada.contact)).output
    assert "2026-11-28 00:54 " in shown.replace("\n", " ")
    assert "status" not in shown
    assert "running" in (await aside(ovation, "journey", "list", "--contact", ada.contact, "--all")).output


async def test_nobody_waits_for_a_worker_that_does_not_run(
    ovation: Ovation, ada: JourneyStart, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steering, "ANSWERS_WITHIN", 0.5)
    result = await aside(ovation, "journey", "pause", ADA, "--json")
    assert result.exit_code == 1
    assert told(result)["error"].startswith(f"{ada.workflow} does not answer: does a worker run?")


@pytest.mark.usefixtures("ada")
async def test_a_journey_is_not_shown_while_no_worker_answers(ovation: Ovation) -> None:
    away = RPCError("no poller seen for task queue recently", RPCStatusCode.FAILED_PRECONDITION, b"")
    with patch.object(WorkflowHandle, "query", side_effect=away):
        result = await aside(ovation, "journey", "show", ADA, "--json")
    assert result.exit_code == 1
    assert told(result) == {"error": "no answer from Temporal (FAILED_PRECONDITION): does it run, and does a worker?"}


async def test_a_journey_that_is_over_is_not_mistaken_for_the_next(
    ovation: Ovation, engine: AsyncEngine, ada: JourneyStart
) -> None:
    async with engine.begin() as conn:
        await conn.execute(
            insert(journeys).values(
                id="j_before",
                playbook="thanks",
                contact_id=ada.contact,
                subject_id=ada.contact,
                event_id="e_0",
                workflow_id=ada.workflow,
                start={},
                started_at=now() - timedelta(days=99),
                ended_at=now() - timedelta(days=90),
            )
        )
    with patch.object(WorkflowHandle, "query", return_value={}):
        result = await aside(ovation, "journey", "show", "j_before", "--json")
    assert result.exit_code == 1
    assert told(result)["error"].startswith(f"j_before is over, and {ada.workflow} is {ada.journey} now")
