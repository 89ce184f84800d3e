"""From the inbox to the journeys: the one way an event reaches Temporal.

The failure prevented: an accepted event that nobody hears, because a process died or Temporal was away. Taking an event
only lends it: it comes back until it was handed on. Handing on twice is harmless: a journey knows the event's id, and
the same event opens the same journey.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.common import (
    Priority,
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from authoring.shelf import Shelf
from journeys.conditions import holds
from models.event import Notice, public_data
from models.journey import WORKFLOW_QUEUE, JourneyStart
from models.playbook import PRIORITIES, Playbook
from store import inbox, journey
from store.inbox import Waiting
from store.journey import NotYetOver, Running

BATCH = 32
HANDS = 4
"""Batches under way at once: a batch ends with its slowest call, and the others do not wait for it."""
LEASE = timedelta(seconds=20)
LOOK_EVERY = 2.0
SWEEP_EVERY = 30.0

_PLAYBOOK = SearchAttributeKey.for_keyword("OvationPlaybook")
_CONTACT = SearchAttributeKey.for_keyword("OvationContact")

log = logging.getLogger("ovation.relay")


@dataclass
class Relay:
    """Hands waiting events on, at once when nudged, else every two seconds."""

    engine: AsyncEngine
    client: Client
    shelf: Shelf
    rest_after: int = 0
    nudged: asyncio.Event = field(default_factory=asyncio.Event)

    def nudge(self) -> None:
        """An event was just accepted."""
        self.nudged.set()

    async def run(self) -> None:
        """Runs until cancelled. Whatever goes wrong is logged, and tried again: nothing is lost meanwhile."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(HANDS):
                tasks.create_task(self._hand_on_for_ever())
            tasks.create_task(self._sweep_for_ever())

    async def _hand_on_for_ever(self) -> None:
        while True:
            self.nudged.clear()
            try:
                if await self.drain():
                    continue
            except Exception:
                log.exception("the relay stumbled; it tries again")
            with suppress(TimeoutError):
                await asyncio.wait_for(self.nudged.wait(), LOOK_EVERY)

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_EVERY)
            try:
                await self.sweep()
            except Exception:
                log.exception("the sweep stumbled; it tries again")

    async def drain(self) -> int:
        """Hands on one batch; how many were taken. Events of one person keep their order."""
        taken = await inbox.take_waiting(self.engine, BATCH, LEASE)
        if not taken:
            return 0
        for event in [event for event in taken if event.contact is None]:
            await inbox.look_again(self.engine, event.id)
        known = [event for event in taken if event.contact is not None]
        contacts = list({event.contact for event in known if event.contact is not None})
        referrals = list({str(event.data["referral"]) for event in known if event.data.get("referral")})
        running = await journey.running_journeys(self.engine, contacts, referrals)
        by_contact: dict[str | None, list[Waiting]] = {}
        for event in known:
            by_contact.setdefault(event.contact, []).append(event)
        handed = await asyncio.gather(*(self._hand_on_in_order(events, running) for events in by_contact.values()))
        done = [event for group in handed for event in group]
        if done:
            await inbox.mark_handed(self.engine, done)
        return len(taken)

    async def _hand_on_in_order(self, events: Sequence[Waiting], running: Sequence[Running]) -> list[str]:
        mine = list(running)
        handed: list[str] = []
        for event in events:
            try:
                started = await self._hand_on(event, mine)
                mine = list({one.id: one for one in [*mine, *started]}.values())
                handed.append(event.id)
            except (RPCError, RuntimeError, NotYetOver, OSError) as error:  # RuntimeError: a lazy client cannot connect
                delay, why = timedelta(seconds=min(2 ** min(event.attempts, 6), 60)), f"{type(error).__name__}: {error}"
                if isinstance(error, RPCError) and error.status is RPCStatusCode.INVALID_ARGUMENT:
                    await inbox.mark_delayed(self.engine, [event.id], delay, why, refused=True)
                    continue  # Temporal will not take this very event, whenever it comes: it holds up nobody
                behind = [one.id for one in events[events.index(event) :]]
                await inbox.mark_delayed(self.engine, behind, delay, why)
                break  # the person's later events wait for this one, and come back with it
        return handed

    async def _hand_on(self, event: Waiting, running: Sequence[Running]) -> list[Running]:
        """Tells the person's journeys, and starts those that this event starts. Gives the new ones."""
        notice = Notice(id=event.id, at=event.at, data=public_data(event.type, event.data))
        for one in running:
            heard = one.hears(event.type, event.contact, event.journey, notice.data.get("referral"))
            if heard and one.opened_by != event.id:  # that one is told of it as it is started
                await self._tell(one, event.type, notice)
        if event.journey is not None or event.contact is None:
            return []
        started = []
        for name, playbook in self.shelf.playbooks.items():
            if playbook.about == "referral" and "referral" not in notice.data:
                continue
            if any(s.on == event.type and holds(s.when, event=notice.data) for s in playbook.starts):
                begun = await self._start(playbook, name, event, notice)
                if begun is not None:
                    started.append(begun)
        return started

    async def _start(self, playbook: Playbook, name: str, event: Waiting, notice: Notice) -> Running | None:
        start = await journey.enter(
            self.engine, playbook, self.shelf.content(name), event.contact or "", event.id, event.at, notice.data
        )
        if start is None:
            return None
        await self.start_workflow(playbook, start, event.type, notice)
        return Running(start.journey, name, start.contact, start.workflow)

    async def start_workflow(self, playbook: Playbook, start: JourneyStart, event_type: str, notice: Notice) -> None:
        """Signal-with-start: one call that starts the journey, or reaches the one that the same event started."""
        await self.client.start_workflow(
            "Referral" if playbook.about == "referral" else "AdvocateJourney",
            start.model_copy(update={"rest_after": self.rest_after}),
            id=start.workflow,
            task_queue=WORKFLOW_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            start_signal=event_type,
            start_signal_args=[notice],
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(_PLAYBOOK, playbook.playbook),
                    SearchAttributePair(_CONTACT, start.contact),
                ]
            ),
            static_summary=f"{playbook.title} · {start.workflow.rpartition('/')[2]}",
            static_details=f"Journey {start.journey}, begun by {event_type}",
            priority=Priority(priority_key=PRIORITIES[playbook.priority]),
        )

    async def _tell(self, one: Running, event_type: str, notice: Notice) -> None:
        handle = self.client.get_workflow_handle(one.workflow)
        try:
            await handle.signal(event_type, notice)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            if one.begun:
                return  # it has just ended, and hears nothing
            await self._begin(*await journey.opened(self.engine, one.id))
            await handle.signal(event_type, notice)

    async def _begin(self, start: JourneyStart, event: str) -> None:
        """Starts the workflow of a journey that was opened."""
        found = await inbox.event_by_id(self.engine, event)
        notice = Notice(id=event, at=found.at, data=public_data(found.type, found.data))
        await self.start_workflow(Playbook.model_validate(start.playbook), start, found.type, notice)

    async def sweep(self) -> None:
        """Starts the workflow of every journey that was opened and never began, whoever died in between."""
        for start, event in await journey.never_seen(self.engine):
            await self._begin(start, event)
