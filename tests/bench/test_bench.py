"""Prevents: a benchmark that measures failures, or that nobody can run any more."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from store.tables import effects, inbox, journeys
from tests.bench import journeys as row_1
from tests.bench import webhooks as row_2
from tests.bench.servers import Servers, servers
from tests.bench.table import Measured, measure, table

FEW = 3


@pytest.fixture(scope="module")
async def started() -> AsyncIterator[Servers]:
    async with servers(lambda _: None) as here:
        yield here


async def test_journeys_are_completed_and_each_effect_is_done_once(started: Servers) -> None:
    measured = await measure(row_1.journeys(started), FEW, 1, 1, lambda _: None)
    _has_numbers(measured)
    async with started.engine.connect() as conn:
        rows = (await conn.execute(select(effects))).all()
        ended = (await conn.execute(select(journeys.c.ended_because))).scalars().all()
    assert ended == ["quiet"] * (FEW + 1)
    assert Counter(row.status for row in rows) == {"done": len(row_1.CALLS) * (FEW + 1)}
    sends = (await started.http.get(f"{started.vendors}/books/boxli")).json()["sends"]
    mails = (await started.http.get(f"{started.vendors}/books/sendgrid")).json()["mails"]
    messages = (await started.http.get(f"{started.vendors}/books/slack")).json()["messages"]
    hubspot = (await started.http.get(f"{started.vendors}/books/hubspot")).json()
    listed = [len(one["members"]) for one in hubspot["lists"].values()]
    of_each = [len(sends) / 2, len(mails) / 2, len(messages), len(hubspot["tasks"]) / 2, *listed]
    assert of_each == [FEW + 1] * 5, "by the vendors' own books"


async def test_webhooks_are_stored_and_handed_on_to_journeys(started: Servers) -> None:
    await started.end_workers()
    measured = await measure(row_2.webhooks(started), FEW, 1, 1, lambda _: None)
    _has_numbers(measured)
    async with started.engine.connect() as conn:
        rows = (await conn.execute(select(inbox).where(inbox.c.source == "wootric"))).all()
    assert len(rows) == FEW + 1
    assert all(row.handed_at is not None and row.last_error is None for row in rows)


def _has_numbers(measured: Measured) -> None:
    assert measured.product > 0
    assert measured.ratio == pytest.approx(measured.product / measured.baseline)
    assert measured.pair.name in table([measured])
    assert measured.as_json()["ratio"] == pytest.approx(measured.ratio, abs=0.001)
