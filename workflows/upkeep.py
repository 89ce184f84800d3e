"""`PlatformUpkeep`: a platform's scheduled job. A webhook is registered or renewed; what was lost is found."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

with workflow.unsafe.imports_passed_through():
    from models.journey import queue_of
    from models.upkeep import UpkeepDone, UpkeepRun

ROUNDS = 20
"""A job that is never satisfied goes on at its next turn by the clock."""


@workflow.defn
class PlatformUpkeep:
    """Runs rounds until the job is satisfied; how many new events they found."""

    @workflow.run
    async def run(self, job: UpkeepRun) -> int:
        found: int = 0
        for _ in range(ROUNDS):
            done: UpkeepDone = await workflow.execute_activity(
                "keep_up",
                job,
                task_queue=queue_of(job.platform),
                result_type=UpkeepDone,
                start_to_close_timeout=timedelta(seconds=60),
                retry_policy=RetryPolicy(maximum_attempts=5),
                summary=f"{job.platform}: {job.name}",
            )
            found += done.found
            if done.again_at is None:
                return found
            wait = (done.again_at - workflow.now()).total_seconds()
            if wait > 0:
                await workflow.sleep(wait, summary="until the vendor is ready")
        return found
