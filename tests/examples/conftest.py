"""The program of every platform, played once for all tests: the real product, on Temporal's dev server."""

from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.client import Client

from models.journey import WORKFLOW_QUEUE
from models.upkeep import UpkeepRun
from platforms import configured
from starter.local.postgres import EmbeddedPostgres
from starter.set_up import set_up
from tests.examples import people
from tests.world import World, until, world

EVERY_PLATFORM = Path(__file__).parents[2] / "examples/every-platform"
SCALE = 40_000
"""A playbook's day takes two seconds, its return window fifteen."""


@dataclass
class Played:
    """What is left when everything has happened. `heard`: source, type, person → how often; `again`: what one more
    round of every upkeep found besides."""

    world: World
    heard: Counter[tuple[str, str, str]]
    again: Counter[tuple[str, str, str]]


@pytest.fixture(scope="module")
async def played(temporal: Client, postgres: EmbeddedPostgres) -> AsyncIterator[Played]:
    url = postgres.create_database("every_platform", template="template")
    program, playbooks = EVERY_PLATFORM / "program.yaml", EVERY_PLATFORM / "playbooks"
    await _clear(temporal)
    async with world(temporal, url, scale=SCALE, program=program, playbooks=playbooks) as one:
        jobs = await _webhooks_are_registered(one)
        await people.advocates_answer(one)
        await people.settled(one)
        await people.friends_write(one)
        await people.settled(one)
        await people.colleagues_decide(one)
        await people.settled(one)
        await people.the_rest_happens(one)
        await until(lambda: _paid(one), "the rewards were never paid", people.PATIENCE)
        await people.settled(one)
        await people.everybody_leaves(one)
        await people.settled(one)
        heard = Counter(await people.inbox(one))
        await _look_again(one, jobs)
        yield Played(one, heard, Counter(await people.inbox(one)) - heard)
        await _clear(temporal)
    postgres.drop_database("every_platform")


async def _webhooks_are_registered(one: World) -> list[UpkeepRun]:
    """Every upkeep has had its first round: from now on changes are news."""
    done = await set_up(one.engine, one.client, configured())
    scheduled: list[str] = done["scheduled"]  # type: ignore[assignment]

    async def marked() -> bool:
        return len(await one.sql("SELECT 1 FROM marks")) == len(scheduled)

    await until(marked, "an upkeep's first round did not end", people.PATIENCE)
    return [UpkeepRun(platform=p, name=n) for p, n in (name.split("/")[1:] for name in scheduled)]


async def _paid(one: World) -> bool:
    return len(await one.effects(effect="pay_reward", status="done")) == 5


async def _look_again(one: World, jobs: list[UpkeepRun]) -> None:
    for job in jobs:
        again = f"again/{job.platform}/{job.name}"
        await one.client.execute_workflow("PlatformUpkeep", job, id=again, task_queue=WORKFLOW_QUEUE)
    await people.settled(one)


async def _clear(client: Client) -> None:
    """Schedules and journeys outlive a world, and would go on in another test's."""
    async for schedule in await client.list_schedules():
        await client.get_schedule_handle(schedule.id).delete()
    async for running in client.list_workflows("ExecutionStatus = 'Running'"):
        await client.get_workflow_handle(running.id).terminate()
