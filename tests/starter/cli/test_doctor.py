"""Prevents: a set-up that looks healthy while nothing runs, or while a key can be guessed."""

import asyncio
import os
from collections.abc import AsyncIterator
from unittest.mock import patch
from uuid import uuid4

import pytest
from temporalio import activity
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

import worker
from models.settings import Settings
from starter.cli import doctor
from starter.cli.doctor import DEPLOYMENT, Finding
from tests.starter.cli.conftest import Ovation, aside, told

SHORT, LONG = "changeme", "k" * 32


def keys(**settings: str) -> dict[str, Finding]:
    """What the doctor finds of the keys, the last of each name."""
    return {found.what: found for found in doctor._keys(Settings.model_validate(settings))}


def test_a_short_key_on_the_internet_is_warned_of() -> None:
    found = keys(secret_keys=f"{SHORT},{LONG}", public_url="https://thanks.example.com")["OVATION_SECRET_KEYS"]
    assert (found.mark, found.needed) == ("note", False)
    assert "fewer than 32 characters" in found.words
    assert SHORT not in found.words


@pytest.mark.parametrize(
    ("key", "url"),
    [
        (f"{LONG},{SHORT}", "https://thanks.example.com"),
        (SHORT, "http://127.0.0.1:8080"),
        (SHORT, "http://localhost:8080"),
        (SHORT, "http://[::1]:8080"),
    ],
)
def test_a_long_key_or_one_for_this_machine_alone_is_well(key: str, url: str) -> None:
    assert keys(secret_keys=key, public_url=url)["OVATION_SECRET_KEYS"].mark == "ok"


# Worker versioning.


@pytest.fixture
async def build(temporal: Client) -> AsyncIterator[str]:
    """The build id of a worker that runs."""
    build_id = f"build-{uuid4().hex[:8]}"
    config = worker._deployment(Settings(build_id=build_id))
    assert config is not None

    @activity.defn
    async def nothing() -> None: ...

    async with Worker(temporal, task_queue=f"queue-{build_id}", activities=[nothing], deployment_config=config):
        yield build_id


async def examined(client: Client, build_id: str) -> Finding:
    return await doctor._versions(client, build_id)


async def make_current(client: Client, build_id: str) -> None:
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=DEPLOYMENT, build_id=build_id, ignore_missing_task_queues=True
    )
    for _ in range(100):
        try:
            await client.workflow_service.set_worker_deployment_current_version(request)
            return
        except RPCError as error:
            assert error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION), error
            await asyncio.sleep(0.1)  # the server has not heard of the worker yet
    raise AssertionError("the worker's build was never known")


async def test_a_deployment_that_is_given_no_journeys_is_told(temporal: Client, build: str) -> None:
    found = await examined(temporal, build)
    assert (found.mark, found.needed) == ("missing", True)
    assert build in found.words
    await make_current(temporal, build)
    assert (await examined(temporal, build)).mark == "ok"
    other = await examined(temporal, "build-of-tomorrow")
    assert (other.mark, other.needed) == ("note", False)
    assert build in other.words
    await make_current(temporal, "")
    assert (await examined(temporal, build)).mark == "missing"


async def test_a_temporal_that_does_not_tell_is_no_fault(temporal: Client) -> None:
    refusal = RPCError("no", RPCStatusCode.PERMISSION_DENIED, b"")
    with patch.object(temporal.workflow_service, "describe_worker_deployment", side_effect=refusal, create=True):
        found = await examined(temporal, "1")
    assert (found.mark, found.needed) == ("note", False)
    assert "PERMISSION_DENIED" in found.words


async def test_it_is_asked_where_a_build_is_set_and_only_there(ovation: Ovation, temporal: Client) -> None:
    address = {"TEMPORAL_ADDRESS": temporal.service_client.config.target_host}
    for build_id, asked in (("", False), ("1", True)):
        with patch.dict(os.environ, {**address, "OVATION_BUILD_ID": build_id}):
            result = await aside(ovation, "doctor", "--offline", "--json")
        assert ("OVATION_BUILD_ID" in [one["what"] for one in told(result)]) is asked
