"""Row 2: webhooks accepted: signed answers to a survey, each from somebody new, until each has begun a journey.

Every round is checked: each webhook is an event, handed on, and its journey runs in Temporal.
"""

import asyncio
import json
from collections import deque
from datetime import UTC, datetime
from functools import partial
from unittest.mock import patch
from urllib.parse import urlsplit
from uuid import uuid4

from sqlalchemy import func, select
from temporalio.client import WorkflowExecutionStatus

from platforms.wootric import PLATFORM as WOOTRIC
from store import inbox
from store.tables import inbox as events
from store.tables import journeys
from tests.bench.bare import NOBODYS_QUEUE, Bare
from tests.bench.servers import IN_FLIGHT, Servers, at_once
from tests.bench.table import Pair

PATIENCE = 60.0
Signed = tuple[bytes, dict[str, str]]
"""A body and its headers."""


def webhooks(servers: Servers) -> Pair:
    return Pair(
        "webhooks accepted",
        partial(_product, servers),
        "a signed Wootric webhook verified, stored once, answered, and handed on to a new journey by the relay",
        partial(_baseline, servers),
        f"bare signal-with-start by a Python client; {IN_FLIGHT} in flight, as for the product",
    )


async def _product(servers: Servers, count: int) -> float:
    waiting = deque(_answer(servers) for _ in range(count))
    before = await _highest(servers)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.gather(*(_deliver(servers.stack.gateway_url, waiting) for _ in range(min(IN_FLIGHT, count))))
    await _handed_on(servers)
    seconds = loop.time() - began
    await _check(servers, before, count)
    return count / seconds


async def _deliver(gateway: str, waiting: deque[Signed]) -> None:
    """Posts one after the other on one connection, by hand: a client of comfort would cost as much as the gateway."""
    address = urlsplit(gateway)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    while waiting:
        body, headers = waiting.popleft()
        named = {"Host": address.netloc, "Content-Length": str(len(body)), **headers}
        lines = ["POST /webhooks/wootric HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        answer = await reader.readexactly(int(head.partition("content-length: ")[2].partition("\r\n")[0]))
        assert head.startswith("http/1.1 200"), f"{head}{answer!r}"
    writer.close()


def _answer(servers: Servers) -> Signed:
    now = datetime.now(UTC).isoformat()
    response = {"id": uuid4().int % 10**12, "email": f"{uuid4().hex}@example.com", "score": 10, "created_at": now}
    told = {"response": response, "event_name": "created", "survey_mode": "NPS", "timestamp": now}
    body = json.dumps(told).encode()
    with patch.dict("os.environ", servers.stack.environment):
        settings = WOOTRIC.settings()
    assert WOOTRIC.inbound is not None
    signature = WOOTRIC.inbound.sign(body, settings, "", datetime.now(UTC))
    return body, {"Content-Type": "application/json", **signature}


async def _handed_on(servers: Servers) -> None:
    """Waits until no event is left to be handed on."""
    async with asyncio.timeout(PATIENCE):
        while await inbox.waiting_count(servers.engine) > 0:  # noqa: ASYNC110  the gateway is another process
            await asyncio.sleep(0.02)


async def _highest(servers: Servers) -> int:
    async with servers.engine.connect() as conn:
        return int((await conn.execute(select(func.coalesce(func.max(events.c.position), 0)))).scalar_one())


async def _check(servers: Servers, before: int, count: int) -> None:
    """Raises AssertionError unless each webhook since then is an event whose journey runs."""
    begun = select(journeys.c.workflow_id).join(events, events.c.id == journeys.c.event_id)
    async with servers.engine.connect() as conn:
        started = (await conn.execute(begun.where(events.c.position > before))).scalars().all()
    assert len(set(started)) == count, f"{count} webhooks began {len(started)} journeys"
    told = await asyncio.gather(*(servers.client.get_workflow_handle(one).describe() for one in started))
    assert all(one.status is WorkflowExecutionStatus.RUNNING for one in told)


async def _baseline(servers: Servers, count: int) -> float:
    async def start() -> None:
        await servers.bare_client.start_workflow(
            Bare.run,
            id=f"bare-{uuid4()}",
            task_queue=NOBODYS_QUEUE,
            start_signal="event",
            start_signal_args=[1],
        )

    return count / await at_once([start] * count)
