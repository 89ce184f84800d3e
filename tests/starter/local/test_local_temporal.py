"""The failures prevented: journeys lost when the embedded Temporal is killed; search attributes not registered, so that
the first journey hangs; a second server over the same file; a dead server nobody notices."""

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client, WorkflowExecutionStatus

from starter.local.ports import free_port
from starter.local.temporal import TemporalServer
from starter.local.tether import StartFailed

ATTRIBUTES = {"OvationStage": "Keyword", "OvationNeedsAttention": "Bool", "OvationNextAt": "Datetime"}


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[TemporalServer]:
    server = TemporalServer(tmp_path, free_port(), None, ATTRIBUTES)
    await server.start()
    yield server
    server.kill()


async def attributes(client: Client) -> set[str]:
    answer = await client.operator_service.list_search_attributes(ListSearchAttributesRequest(namespace="default"))
    return set(answer.custom_attributes)


async def test_a_journey_survives_a_kill(server: TemporalServer) -> None:
    client = await Client.connect(server.address)
    handle = await client.start_workflow("Journey", id="journey/1", task_queue="nobody-works-here")
    server.kill()
    assert not server.alive
    await server.start()
    client = await Client.connect(server.address)
    described = await client.get_workflow_handle("journey/1").describe()
    assert described.status == WorkflowExecutionStatus.RUNNING
    assert described.run_id == handle.result_run_id
    assert await attributes(client) >= set(ATTRIBUTES)


async def test_search_attributes_are_there_when_it_answers(server: TemporalServer) -> None:
    assert await attributes(await Client.connect(server.address)) >= set(ATTRIBUTES)


async def test_a_second_server_on_the_same_folder_is_refused(server: TemporalServer) -> None:
    second = dataclasses.replace(server, port=free_port())
    with pytest.raises(StartFailed, match="another process uses"):
        await second.start()
    assert server.alive


async def test_a_taken_port_is_reported(server: TemporalServer, tmp_path: Path) -> None:
    other = TemporalServer(tmp_path / "other", server.port, None, ATTRIBUTES)
    with pytest.raises(StartFailed, match="in use"):
        await other.start()
    assert not other.alive


async def test_it_can_be_stopped_and_started(server: TemporalServer) -> None:
    server.stop()
    assert not server.alive
    await server.start()
    assert server.alive


async def test_a_server_that_cannot_start_is_reported_with_its_log(tmp_path: Path) -> None:
    server = TemporalServer(tmp_path, free_port(), None, {"OvationStage": "Colour"})
    with pytest.raises(StartFailed, match=r"(?s)temporal\.log.*Colour"):
        await server.start()
    assert not server.alive
