"""Temporal's time-skipping server: thirty days pass in a moment, and everything else is real."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest
from temporalio.testing import WorkflowEnvironment

from models.journey import SEARCH_ATTRIBUTES
from starter.set_up import add_search_attributes
from tests.world import World, world
from workflows.converter import data_converter

BINARY = Path(__file__).parents[2] / ".venv/bin/temporal-test-server"


@asynccontextmanager
async def time_skipping() -> AsyncIterator[WorkflowEnvironment]:
    """A server of its own: one journey, or a few, is what it is good for."""
    async with await WorkflowEnvironment.start_time_skipping(
        data_converter=data_converter, test_server_existing_path=str(BINARY)
    ) as env:
        await add_search_attributes(env.client, list(SEARCH_ATTRIBUTES))
        yield env


@pytest.fixture
async def skipping() -> AsyncIterator[WorkflowEnvironment]:
    async with time_skipping() as env:
        yield env


@pytest.fixture
async def fast_world(skipping: WorkflowEnvironment, database_url: str) -> AsyncIterator[World]:
    """The whole product around the time-skipping server, at the playbooks' real durations."""

    async def now() -> datetime:
        return await skipping.get_current_time()

    async with world(skipping.client, database_url, now=now, skip=skipping.sleep) as made:
        yield made
