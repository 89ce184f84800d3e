"""An Update to a running journey, and its answer in words."""

from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from models.journey import Intervention


async def update(client: Client, workflow: str, command: str, said: Intervention) -> str:
    """Sends the intervention. Raises LookupError in the journey's own words when it is refused, or over."""
    try:
        return str(await client.get_workflow_handle(workflow).execute_update(command, said, result_type=str))
    except WorkflowUpdateFailedError as error:
        raise LookupError(f"not done: {error.cause}") from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise LookupError(f"{workflow} does not run any more") from error
        raise
