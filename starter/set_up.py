"""What Ovation needs of its database and of Temporal, made or brought up to date. Safe to repeat."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from models.journey import SEARCH_ATTRIBUTES, WORKFLOW_QUEUE
from models.upkeep import UpkeepRun
from platforms.base import Platform, PlatformSettings, Upkeep
from store.migrate import migrate

_KINDS = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}


async def set_up(
    engine: AsyncEngine, client: Client, platforms: Mapping[str, tuple[Platform, PlatformSettings]]
) -> dict[str, object]:
    """Migrates the database; registers search attributes and the platforms' schedules. What was done, for people."""
    revision = await migrate(engine)
    added = await register_search_attributes(client)
    scheduled = [
        await _schedule(client, name, job)
        for name, (platform, settings) in platforms.items()
        for job in platform.upkeep
        if not settings.missing() and not settings.missing(list(job.needs(settings)))
    ]
    return {"revision": revision, "added": added, "scheduled": scheduled}


async def register_search_attributes(client: Client) -> list[str]:
    """Those that were missing in the namespace."""
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = sorted(SEARCH_ATTRIBUTES.keys() - known.custom_attributes.keys())
    if missing:
        await add_search_attributes(client, missing)
    return missing


async def add_search_attributes(client: Client, names: Sequence[str]) -> None:
    """Registers search attributes of ours that the namespace does not have."""
    kinds = {name: _KINDS[SEARCH_ATTRIBUTES[name]] for name in names}
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=client.namespace, search_attributes=kinds)
    )


async def _schedule(client: Client, platform: str, job: Upkeep) -> str:
    """The schedule of one upkeep, made or brought up to date; it runs at once when it is new."""
    run = UpkeepRun(platform=platform, name=job.name)
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            "PlatformUpkeep",
            run,
            id=run.schedule_id,
            task_queue=WORKFLOW_QUEUE,
            execution_timeout=max(job.every, timedelta(minutes=10)),
            static_summary=job.what,
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=job.every)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ONE),
    )
    try:
        await client.create_schedule(run.schedule_id, schedule, trigger_immediately=True)
    except ScheduleAlreadyRunningError:

        def renewed(_: ScheduleUpdateInput) -> ScheduleUpdate:
            return ScheduleUpdate(schedule)

        await client.get_schedule_handle(run.schedule_id).update(renewed)
    return run.schedule_id
