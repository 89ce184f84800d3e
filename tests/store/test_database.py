"""Prevents: a person's words in a log or in Temporal's histories, because a statement about them failed."""

import asyncio
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.api.failure.v1 import Failure

from models.contact import Identity, Person
from models.event import Event
from store.contact import learn_from
from store.database import connect
from store.inbox import accept
from tests.house import product
from workflows.converter import data_converter

MARKS = ("canary@example.com", "Canarelli", "7946")
CANARY = Person(email="canary@example.com", last_name="Canarelli", phone="+44 20 7946 0000")


def printed(error: BaseException) -> str:
    """All that a log and Temporal would say of it."""
    failure = Failure()
    data_converter.failure_converter.to_failure(error, data_converter.payload_converter, failure)
    return "".join(traceback.format_exception(error)) + str(failure)


def assert_discreet(error: BaseException) -> None:
    for mark in MARKS:
        assert mark not in printed(error), f"{mark}, in:\n{error}"


async def known(engine: AsyncEngine) -> str:
    subject = Identity(kind="email", value="canary@example.com")
    event = Event(type="contact.updated", source="test", source_id="1", subject=subject, at=datetime.now(UTC))
    accepted = await accept(engine, event)
    assert accepted.contact is not None
    return accepted.contact


@pytest.mark.parametrize(
    ("statement", "values", "code"),
    [
        ("SELECT CAST(:x AS integer)", {"x": "Canarelli"}, "22P02"),
        ("SELECT CAST(:x AS jsonb)", {"x": '{"name": "Canarelli\\u0000"}'}, "22P05"),
        ("SELECT CAST(:x AS timestamptz)", {"x": "Canarelli"}, "22007"),
        ("SELECT CAST(:x AS text)", {"x": "Canarelli\0"}, "DataError"),
        ("INSERT INTO identities VALUES ('email', :x, :y)", {"x": "canary@example.com", "y": "nobody"}, "23505"),
        ("INSERT INTO identities VALUES ('email', :x, :y)", {"x": "new@example.com", "y": "Canarelli"}, "23503"),
        ("SELECT :x FROM nothing_of_ours", {"x": "Canarelli"}, 'relation "nothing_of_ours" does not exist'),
    ],
)
async def test_an_error_of_the_database_tells_its_kind_and_no_value(
    engine: AsyncEngine, statement: str, values: dict[str, Any], code: str
) -> None:
    await known(engine)
    with pytest.raises(DBAPIError) as failed:
        async with engine.begin() as conn:
            await conn.execute(text(statement), values)
    assert_discreet(failed.value)
    assert code in printed(failed.value), "who mends it must know what it was"


async def test_a_database_that_ends_in_the_middle_of_a_statement_tells_no_value(engine: AsyncEngine) -> None:
    contact = await known(engine)
    async with engine.connect() as holder:
        await holder.execute(text("SELECT 1 FROM contacts WHERE id = :id FOR UPDATE"), {"id": contact})
        learning = asyncio.create_task(learn_from(engine, contact, [], CANARY))
        await asyncio.sleep(0.3)
        async with engine.connect() as other:
            locked = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            assert (await other.execute(text(locked))).all(), "it waits"
        with pytest.raises(OperationalError) as failed:
            await learning
    assert_discreet(failed.value)
    assert "terminating connection" in printed(failed.value)


async def test_a_record_that_does_not_fit_its_model_is_not_quoted() -> None:
    record = {"email": [CANARY.email], "last_name": {"is": CANARY.last_name}}
    with pytest.raises(ValueError) as failed:
        Person.model_validate(record)
    assert_discreet(failed.value)


async def test_a_database_that_is_not_there_is_told_with_its_address() -> None:
    nowhere = connect("postgresql://ovation@127.0.0.1:9/ovation")
    with pytest.raises(OperationalError, match=r"127\.0\.0\.1.*refused"):
        async with nowhere.connect():
            pass
    await nowhere.dispose()


def test_every_connection_of_the_product_is_made_here() -> None:
    makers = {"create_engine", "create_async_engine"}
    found = {
        str(module)
        for module in product.modules()
        for name, _ in product.imports(module)
        if name.startswith("sqlalchemy") and name.rpartition(".")[2] in makers
    }
    assert found == {"store/database.py"}, "use store.database.connect: its errors tell no values"
