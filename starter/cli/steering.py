"""An Update to a running journey, and its answer in words."""

import asyncio

from temporalio.client import Client, WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from models.journey import Intervention
from starter.cli.trouble import is_unknown

ANSWERS_WITHIN = 20.0
"""Seconds for a journey's worker to take in an Update."""


class NoAnswer(LookupError):
    """No worker took it in. One that comes back later may do so still."""


async def update(client: Client, workflow: str, command: str, said: Intervention) -> str:
    """Sends the intervention. Raises LookupError in the journey's own words when it is refused, or over; NoAnswer when
    nobody answers."""
    handle = client.get_workflow_handle(workflow)
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            return str(await handle.execute_update(command, said, result_type=str))
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        raise NoAnswer(f"{workflow} does not answer: does a worker run? It may still be done when one does") from error
    except WorkflowUpdateFailedError as error:
        raise LookupError(f"not done: {error.cause}") from error
    except RPCError as error:
        if is_unknown(error):
            raise LookupError(f"{workflow} does not run any more") from error
        raise
