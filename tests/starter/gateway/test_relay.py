"""Prevents: an accepted event that no journey hears, or that starts two, when a process or Temporal goes away."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from authoring.messages import Messages
from authoring.shelf import Shelf
from models.contact import Identity
from models.event import Event
from models.journey import workflow_id
from models.playbook import Playbook
from models.program import Program
from starter.gateway.relay import Relay
from store.inbox import accept, waiting_count

THANKS = {
    "playbook": "thanks",
    "title": "Thanks",
    "purpose": "gratitude",
    "starts": [{"on": "nps.answered", "when": "event.score >= 9"}],
}


@pytest.fixture
def relay(engine: AsyncEngine, temporal: Client, program: Program) -> Relay:
    return Relay(engine, temporal, Shelf(program, {"thanks": Playbook.model_validate(THANKS)}, Messages({})))


async def arrives(engine: AsyncEngine, event_type: str, source_id: str, who: str, **data: Any) -> str:
    event = Event(
        type=event_type,
        source="test",
        source_id=source_id,
        subject=Identity(kind="email", value=who),
        at=datetime.now(UTC),
        data=data,
    )
    accepted = await accept(engine, event)
    assert accepted.contact is not None
    return accepted.contact


async def all_is_due(engine: AsyncEngine) -> None:
    """No lease and no patience holds an event back."""
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE inbox SET not_before = now()"))


async def heard(client: Client, contact: str) -> list[str]:
    """The signals in the history, by name."""
    handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(workflow_id("thanks", contact))
    history = await handle.fetch_history()
    return [
        e.workflow_execution_signaled_event_attributes.signal_name
        for e in history.events
        if e.HasField("workflow_execution_signaled_event_attributes")
    ]


async def test_a_promoter_starts_a_journey_and_a_passive_does_not(
    engine: AsyncEngine, relay: Relay, temporal: Client
) -> None:
    happy = await arrives(engine, "nps.answered", "1", "ada@example.com", score=10)
    passive = await arrives(engine, "nps.answered", "2", "bob@example.com", score=8)
    assert await relay.drain() == 2
    assert await heard(temporal, happy) == ["nps.answered"]
    with pytest.raises(RPCError) as missing:
        await heard(temporal, passive)
    assert missing.value.status is RPCStatusCode.NOT_FOUND
    assert await waiting_count(engine) == 0


async def test_one_person_s_events_are_heard_in_order(engine: AsyncEngine, relay: Relay, temporal: Client) -> None:
    who = await arrives(engine, "nps.answered", "1", "ada@example.com", score=10)
    for number, event_type in enumerate(("qr.scanned", "hub.visited", "contact.renewed", "hub.visited"), 2):
        if event_type != "contact.renewed":
            await arrives(engine, event_type, str(number), "ada@example.com")
    await relay.drain()
    assert await heard(temporal, who) == ["nps.answered", "qr.scanned", "hub.visited", "hub.visited"]


async def test_while_temporal_is_away_events_wait_and_keep_their_order(
    engine: AsyncEngine, relay: Relay, temporal: Client
) -> None:
    who = await arrives(engine, "nps.answered", "1", "ada@example.com", score=10)
    await arrives(engine, "qr.scanned", "2", "ada@example.com")
    away = RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
    with patch.object(relay.client, "start_workflow", side_effect=away):
        await relay.drain()
    assert await waiting_count(engine) == 2
    async with engine.begin() as conn:
        reason = (await conn.execute(text("SELECT last_error FROM inbox WHERE type = 'nps.answered'"))).scalar_one()
        assert "away" in reason, "the doctor shows why"
        await conn.execute(text("UPDATE inbox SET not_before = now()"))
    await relay.drain()
    assert await heard(temporal, who) == ["nps.answered", "qr.scanned"]


async def test_dying_after_the_start_and_before_the_mark_starts_nothing_twice(
    engine: AsyncEngine, relay: Relay, temporal: Client
) -> None:
    who = await arrives(engine, "nps.answered", "1", "ada@example.com", score=10)
    with patch("store.inbox.mark_handed", side_effect=asyncio.CancelledError), pytest.raises(asyncio.CancelledError):
        await relay.drain()
    first = (await temporal.get_workflow_handle(workflow_id("thanks", who)).describe()).run_id
    await all_is_due(engine)
    await relay.drain()
    handle = temporal.get_workflow_handle(workflow_id("thanks", who))
    assert (await handle.describe()).run_id == first
    assert await waiting_count(engine) == 0


async def test_a_journey_opened_by_a_process_that_died_is_started_by_the_sweep(
    engine: AsyncEngine, relay: Relay, temporal: Client
) -> None:
    who = await arrives(engine, "nps.answered", "1", "ada@example.com", score=10)
    with (
        patch.object(relay, "start_workflow", side_effect=asyncio.CancelledError),
        pytest.raises(asyncio.CancelledError),
    ):
        await relay.drain()
    async with engine.begin() as conn:
        await conn.execute(text("UPDATE journeys SET opened_at = now() - interval '1 minute'"))
    await relay.sweep()
    assert await heard(temporal, who) == ["nps.answered"]


async def test_two_relays_at_once_start_one_journey(
    engine: AsyncEngine, relay: Relay, temporal: Client, program: Program
) -> None:
    people = [await arrives(engine, "nps.answered", f"p{n}", f"p{n}@example.com", score=9) for n in range(40)]
    other = Relay(engine, temporal, relay.shelf)
    await asyncio.gather(relay.drain(), other.drain())
    for who in people:
        assert await heard(temporal, who) == ["nps.answered"]


async def test_no_event_overtakes_the_one_that_starts_the_journey(
    engine: AsyncEngine, relay: Relay, temporal: Client
) -> None:
    who = await arrives(engine, "nps.answered", "1", "ada@example.com", score=10)
    away = RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
    with patch.object(relay.client, "start_workflow", side_effect=away):
        await relay.drain()
    await arrives(engine, "qr.scanned", "2", "ada@example.com")
    await relay.drain()  # Temporal is back, and the first event is due in two seconds
    assert await waiting_count(engine) == 2
    await all_is_due(engine)
    await relay.drain()
    assert await heard(temporal, who) == ["nps.answered", "qr.scanned"]


async def test_an_event_after_a_long_outage_is_heard_by_the_journey_that_could_not_begin(
    engine: AsyncEngine, relay: Relay, temporal: Client
) -> None:
    await arrives(engine, "nps.answered", "1", "ada@example.com", score=10)
    away = RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
    with patch.object(relay.client, "start_workflow", side_effect=away):
        for _ in range(25):
            await relay.drain()
            await all_is_due(engine)
        await relay.drain()
    await arrives(engine, "qr.scanned", "2", "ada@example.com")
    await relay.drain()
    assert await waiting_count(engine) == 2, "it does not overtake, however long the outage was"


async def test_what_comes_before_the_workflow_was_started_starts_it(
    engine: AsyncEngine, relay: Relay, temporal: Client
) -> None:
    who = await arrives(engine, "nps.answered", "1", "ada@example.com", score=10)
    with (
        patch.object(relay, "start_workflow", side_effect=asyncio.CancelledError),
        pytest.raises(asyncio.CancelledError),
    ):
        await relay.drain()
    async with engine.begin() as conn:  # handed on by another process, which died before the start
        await conn.execute(text("UPDATE inbox SET handed_at = now()"))
    await arrives(engine, "qr.scanned", "2", "ada@example.com")
    await relay.drain()
    assert await heard(temporal, who) == ["nps.answered", "qr.scanned"]


async def test_an_event_that_temporal_refuses_holds_up_no_other(
    engine: AsyncEngine, relay: Relay, temporal: Client
) -> None:
    who = await arrives(engine, "nps.answered", "1", "ada@example.com", score=10)
    await relay.drain()
    await arrives(engine, "hub.visited", "2", "ada@example.com")
    handle = type(temporal.get_workflow_handle("x"))
    refused = RPCError("too large", RPCStatusCode.INVALID_ARGUMENT, b"")
    with patch.object(handle, "signal", side_effect=refused):
        await relay.drain()
    await arrives(engine, "qr.scanned", "3", "ada@example.com")
    await relay.drain()
    assert await heard(temporal, who) == ["nps.answered", "qr.scanned"]
    assert await waiting_count(engine) == 1, "it is kept, and tried again"
