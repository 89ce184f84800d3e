"""One way through one playbook, made durable: an advocate's, or a referral's. It decides nothing: `journeys/` does.

Whatever happens lands in the inbox; the core says what to do; the loop begins it and sleeps until the core's next
wake-up. A run after continue-as-new begins like the first: being resumed is one more thing that happened.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from temporalio import workflow
from temporalio.common import Priority, RawValue, RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from pydantic import TypeAdapter, ValidationError

    from journeys.advance import advance, begin
    from journeys.happenings import Command, EffectEnded, EventCame, Happening, Noted, OperatorSaid, Resumed
    from journeys.playbooks import playbook_from
    from journeys.show import Show
    from journeys.state import State
    from journeys.take_in import refusal
    from models import journey as settings
    from models.effect import EFFECTS, Order, Outcome
    from models.event import EVENTS, Notice, public_data
    from models.journey import Intervention, JourneyStart
    from models.playbook import PRIORITIES

_HAPPENINGS: TypeAdapter[list[Happening]] = TypeAdapter(list[Happening])
_STAGE = SearchAttributeKey.for_keyword("OvationStage")
_TIER = SearchAttributeKey.for_keyword("OvationTier")
_ATTENTION = SearchAttributeKey.for_bool("OvationNeedsAttention")
_DEADLINE = SearchAttributeKey.for_datetime("OvationDeadline")
_NEXT_AT = SearchAttributeKey.for_datetime("OvationNextAt")


class _UnknownEvent(Exception):
    """A signal by a name that is no event type."""


class Journey:
    """The shell that `AdvocateJourney` and `Referral` share. Its loop is `live`."""

    def __init__(self, start: JourneyStart) -> None:
        self.start = start
        self.playbook = playbook_from(start.playbook)
        self.priority = Priority(priority_key=PRIORITIES[self.playbook.priority])
        self.state = begin(start.journey, start.contact, start.started, start.facts)
        self.inbox: list[Happening] = _HAPPENINGS.validate_python(start.inbox)
        if start.state is not None:
            self.state = State.model_validate(start.state)
            self.inbox.append(Resumed())  # after what came at the end of the last run: that may be how an effect ended
        self.in_flight = 0
        self.ended_here = False
        self.alarm: asyncio.Task[None] | None = None
        self.alarm_at: datetime | None = None
        self.shown: Show | None = None

    async def live(self) -> str:
        """From here to the end of the journey; what it ended by."""
        while not self.state.ended:
            happened, self.inbox, self.ended_here = self.inbox, [], False
            decision = advance(self.playbook, self.state, happened, workflow.now())
            self.state = decision.state
            self.show(decision.show)
            for order in decision.effects:
                self.begin(order)  # its outcome arrives in the inbox, like a signal
            if not self.state.ended:
                await self.until(decision.wake)
            if self.should_rest():
                await self.rest()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return self.state.ending

    def begin(self, order: Order) -> None:
        asyncio.create_task(self.carry_out(order))  # noqa: RUF006  (the workflow's own loop keeps it)
        self.in_flight += 1

    async def carry_out(self, order: Order) -> None:
        kind = EFFECTS[order.effect]
        summary = f"{order.step}: {kind.label}"
        retry = RetryPolicy(
            initial_interval=settings.RETRY_FIRST,
            maximum_interval=settings.RETRY_LONGEST,
            maximum_attempts=settings.RETRY_ATTEMPTS,
        )
        try:
            if order.platform is None:
                outcome = await workflow.execute_local_activity(
                    order.effect,
                    order,
                    activity_id=order.key,
                    result_type=Outcome,
                    start_to_close_timeout=kind.attempt,
                    retry_policy=retry,
                    summary=summary,
                )
            else:
                outcome = await workflow.execute_activity(
                    order.effect,
                    order,
                    activity_id=order.key,
                    task_queue=settings.queue_of(order.platform),
                    result_type=Outcome,
                    start_to_close_timeout=kind.attempt,
                    retry_policy=retry,
                    priority=self.priority,
                    summary=summary,
                )
        except ActivityError as error:
            outcome = Outcome(
                kind="not_before",
                at=workflow.now() + settings.RETRY_LONGEST,
                reason=_cause(error),
                attention=True,
                doubt=order.platform is not None and _in_doubt(error),
            )
        self.in_flight -= 1
        self.ended_here = self.ended_here or order.platform is None
        self.inbox.append(EffectEnded(key=order.key, outcome=outcome))

    async def until(self, wake: datetime | None) -> None:
        """Sleeps until something is in the inbox or the wake-up comes.

        One timer, armed anew only for an earlier wake-up: one that rings too early costs a look, one that is moved with
        every event costs two entries in the history each time."""
        if self.alarm is not None and self.alarm.done():
            self.alarm = self.alarm_at = None
        if wake is not None and (self.alarm_at is None or wake < self.alarm_at):
            if self.alarm is not None:
                self.alarm.cancel()
            self.alarm_at = wake
            self.alarm = asyncio.create_task(self.sleep_until(wake))
        await workflow.wait_condition(lambda: bool(self.inbox) or (self.alarm is not None and self.alarm.done()))

    async def sleep_until(self, wake: datetime) -> None:
        seconds = (wake - workflow.now()).total_seconds()
        if seconds > 0:
            await workflow.sleep(seconds, summary="until the next step")

    def show(self, new: Show) -> None:
        """Tells the UI, in one upsert and only what changed; not what is over in a moment: that it is about to end."""
        workflow.set_current_details(new.table)
        if new.stage == "ending" and not self.in_flight:
            return
        if self.shown is not None and _searched(self.shown) == _searched(new):
            return
        self.shown = new
        workflow.upsert_search_attributes(
            [
                _STAGE.value_set(new.stage),
                _TIER.value_set(new.tier),
                _ATTENTION.value_set(new.needs_attention),
                _DEADLINE.value_unset() if new.deadline is None else _DEADLINE.value_set(new.deadline),
                _NEXT_AT.value_unset() if new.next_at is None else _NEXT_AT.value_set(new.next_at),
            ]
        )

    def should_rest(self) -> bool:
        """Never right after a local activity: as it is replayed, the history may have another length at that moment."""
        if self.state.ended or self.in_flight or self.ended_here:
            return False
        info = workflow.info()
        length = info.get_current_history_length()
        return info.is_continue_as_new_suggested() or 0 < self.start.rest_after <= length

    async def rest(self) -> None:
        """Continues as new, with the state and whatever came meanwhile."""
        await workflow.wait_condition(workflow.all_handlers_finished)
        workflow.continue_as_new(
            self.start.model_copy(
                update={
                    "state": self.state.model_dump(mode="json"),
                    "inbox": _HAPPENINGS.dump_python(self.inbox, mode="json"),
                }
            )
        )

    @workflow.signal(dynamic=True, description="Something that happened, named by its event type")
    def happened(self, name: str, args: Sequence[RawValue]) -> None:
        """Never fails: what cannot be understood is noted and flagged."""
        try:
            notice = workflow.payload_converter().from_payload(args[0].payload, Notice)
            if name not in EVENTS:
                raise _UnknownEvent
            data = EVENTS[name].model_validate(notice.data).model_dump(mode="json", exclude_unset=True)
            self.inbox.append(EventCame(id=notice.id, type=name, at=notice.at, data=public_data(name, data)))
        except Exception as error:
            self.inbox.append(Noted(text=f"signal {name[:60]}: {_what_is_wrong(error)}"))

    @workflow.query(name="state", description="The journey's whole state")
    def whole_state(self) -> dict[str, Any]:
        return self.state.model_dump(mode="json")

    @workflow.update(name="pause", description="Nothing new begins until it is resumed")
    def pause(self, asked: Intervention) -> str:
        return self.intervene("pause", asked)

    @pause.validator
    def _may_pause(self, asked: Intervention) -> None:
        self.check("pause", asked)

    @workflow.update(name="resume", description="Goes on; what was due meanwhile begins at once")
    def resume(self, asked: Intervention) -> str:
        return self.intervene("resume", asked)

    @resume.validator
    def _may_resume(self, asked: Intervention) -> None:
        self.check("resume", asked)

    @workflow.update(name="run", description="Runs a step now")
    def run_now(self, asked: Intervention) -> str:
        return self.intervene("run", asked)

    @run_now.validator
    def _may_run(self, asked: Intervention) -> None:
        self.check("run", asked)

    @workflow.update(name="skip", description="Leaves a step out")
    def skip(self, asked: Intervention) -> str:
        return self.intervene("skip", asked)

    @skip.validator
    def _may_skip(self, asked: Intervention) -> None:
        self.check("skip", asked)

    @workflow.update(name="retry", description="Tries a stuck or waiting step again")
    def retry(self, asked: Intervention) -> str:
        return self.intervene("retry", asked)

    @retry.validator
    def _may_retry(self, asked: Intervention) -> None:
        self.check("retry", asked)

    @workflow.update(name="resolve", description="Settles a doubt: it did happen, or it did not")
    def resolve(self, asked: Intervention) -> str:
        return self.intervene("resolve", asked)

    @resolve.validator
    def _may_resolve(self, asked: Intervention) -> None:
        self.check("resolve", asked)

    @workflow.update(name="approve", description="Approves what waits for a decision: a reward, a referral")
    def approve(self, asked: Intervention) -> str:
        return self.intervene("approve", asked)

    @approve.validator
    def _may_approve(self, asked: Intervention) -> None:
        self.check("approve", asked)

    @workflow.update(name="void", description="Refuses what waits for a decision: it will not be paid")
    def void(self, asked: Intervention) -> str:
        return self.intervene("void", asked)

    @void.validator
    def _may_void(self, asked: Intervention) -> None:
        self.check("void", asked)

    @workflow.update(name="end", description="Ends the journey")
    def end(self, asked: Intervention) -> str:
        return self.intervene("end", asked)

    @end.validator
    def _may_end(self, asked: Intervention) -> None:
        self.check("end", asked)

    def intervene(self, command: Command, asked: Intervention) -> str:
        self.inbox.append(OperatorSaid(command=command, **asked.model_dump()))
        return f"{command} {asked.step}".strip()

    def check(self, command: Command, asked: Intervention) -> None:
        """An Update that makes no sense now is refused, and leaves nothing in the history."""
        if not isinstance(asked, Intervention):
            raise ApplicationError("the argument is {step, found, reason, by}, or {}", non_retryable=True)
        reason = refusal(self.state, OperatorSaid(command=command, **asked.model_dump()))
        if reason is not None:
            raise ApplicationError(reason, non_retryable=True)


@workflow.defn
class AdvocateJourney(Journey):
    """One person's way through one playbook."""

    @workflow.init
    def __init__(self, start: JourneyStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: JourneyStart) -> str:
        return await self.live()


def _searched(show: Show) -> tuple[object, ...]:
    """What journeys are found by: each change is an event in the history."""
    return show.stage, show.tier, show.needs_attention, show.deadline, show.next_at


def _cause(error: ActivityError) -> str:
    return str(error.cause or error)[:300]


def _in_doubt(error: ActivityError) -> bool:
    """Whether an effect that kept failing may have happened; where nobody says, it may."""
    cause = error.cause
    return not (isinstance(cause, ApplicationError) and cause.type == "TryAgain" and cause.details[:1] == (False,))


def _what_is_wrong(error: Exception) -> str:
    """What was wrong with a signal, without the values it carried: those may be personal."""
    if isinstance(error, _UnknownEvent):
        return "there is no such event"
    if isinstance(error, ValidationError):
        first = error.errors(include_input=False, include_url=False)[0]
        if first["loc"]:
            return f"{'.'.join(str(part) for part in first['loc'])}: {first['type'].replace('_', ' ')}"
    return "the payload is not {id, at, data}"
