"""The worker: reads settings, builds platforms and activities, runs the Temporal worker. Nothing else."""

import asyncio
import logging
import signal
from contextlib import AsyncExitStack

import uvloop
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.kit import Kit
from activities.register import doers
from activities.upkeep import Upkeeper
from authoring.shelf import load
from models.journey import ACTIVITY_QUEUE, WORKFLOW_QUEUE, queue_of
from models.links import Links
from models.settings import Settings
from platforms import configured
from platforms.runner import Runner
from starter.cli.ending import to_the_end
from store.database import connect
from store.tokens import TokenVault
from workflows.connection import temporal_client
from workflows.journey import AdvocateJourney
from workflows.referral import Referral
from workflows.upkeep import PlatformUpkeep

SHELLS = SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules("workflows"))
"""The sandbox, without importing the shells anew for every journey: their modules keep no state."""

assert WORKFLOW_QUEUE == ACTIVITY_QUEUE  # one worker serves both: local activities run where their workflow runs


async def run(settings: Settings, client: Client, stop: asyncio.Event) -> None:
    """Runs one worker for the journeys and one for each platform's queue, until told to stop."""
    shelf = load(settings)
    async with AsyncExitStack() as stack:
        engine = connect(settings.required_database_url())
        stack.push_async_callback(engine.dispose)
        vault = TokenVault(engine, settings.required_secrets())
        runner = Runner(vault=vault)
        stack.push_async_callback(runner.close)
        platforms = configured()
        links = Links(settings.public_url, settings.required_secrets(), settings.temporal_ui_url)
        activities = doers(engine, Kit(shelf.program, shelf.messages, links), runner, platforms)
        upkeeper = Upkeeper(engine, links, runner, vault, platforms)
        deployment = _deployment(settings)
        await stack.enter_async_context(
            Worker(
                client,
                task_queue=WORKFLOW_QUEUE,
                workflows=[AdvocateJourney, Referral, PlatformUpkeep],
                activities=list(activities.values()),
                deployment_config=deployment,
                workflow_runner=SHELLS,
            )
        )
        for name, (platform, its) in platforms.items():
            await stack.enter_async_context(
                Worker(
                    client,
                    task_queue=queue_of(name),
                    activities=[*activities.values(), upkeeper.keep_up],
                    max_task_queue_activities_per_second=its.rate_limit or platform.limit,
                    max_concurrent_activities=20,
                )
            )
        logging.info("worker is ready: journeys and %d platforms", len(platforms))
        await stop.wait()


def _deployment(settings: Settings) -> WorkerDeploymentConfig | None:
    """Versioned where a build id is set: the same code runs unversioned in tests and on a laptop."""
    if settings.build_id is None:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name="ovation", build_id=settings.build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = asyncio.Event()
    for which in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(which, stop.set)
    await run(Settings(), await temporal_client(), stop)


if __name__ == "__main__":
    to_the_end(lambda: uvloop.run(main()))
