"""Prevents: a name, an address or a secret in what Temporal keeps for ever, in a log, or in an error message."""

import base64
import json
import logging
from collections.abc import Iterator

import pytest
from temporalio.testing import WorkflowEnvironment

from models.contact import Person
from platforms import configured
from tests.workflows.advocate import ADA, DAY, delivered, known_in_the_crm, passes
from tests.world import World
from workflows.converter import PersonalDataRefused, data_converter

MARKS = ("ada@example.com", "Lovelace", "Analytical Engines", "Wonderful, says Ada", "new@customer.example", '"Ada"')
"""Words of a person that the vendors and the record know, and nobody else may."""


async def test_no_event_of_a_full_journey_holds_a_word_of_the_person(
    fast_world: World, skipping: WorkflowEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    world = fast_world
    caplog.set_level(logging.DEBUG, logger="ovation")
    await known_in_the_crm(world)
    comment = "Wonderful, says Ada"
    await world.report("nps.answered", f"email:{ADA}", "answer", score=10, comment=comment, has_comment=True)
    await world.done("gift", "send_gift")
    await delivered(world)
    await passes(skipping, 7 * DAY)
    await world.done("check_in", "send")
    data = {"referred_by": f"email:{ADA}", "amount": {"minor": 1_200_000, "currency": "USD"}}
    await world.report("referral.closed", "email:new@customer.example", "sale", **data)
    await world.done("second_gift", "attribute_revenue")
    await passes(skipping, 30 * DAY)
    await world.done("case_study", "send")
    history = (await (await world.handle(ADA)).fetch_history()).to_json()
    assert "send_gift" in history, "the history is the journey's"
    decoded = _decoded(history)
    for mark in MARKS:
        assert mark not in decoded, f"{mark} is in a history"
        assert mark not in caplog.text, f"{mark} is in a log"
    for secret in _secrets():
        assert secret not in decoded
        assert secret not in caplog.text


def _decoded(history: str) -> str:
    """The history with every payload's bytes as text."""
    return "\n".join(_texts(json.loads(history)))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if {"metadata", "data"} <= value.keys():
            yield base64.b64decode(value["data"]).decode("utf-8", "replace")
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _secrets() -> list[str]:
    found = [secret for _, settings in configured().values() for secret in settings.secrets()]
    assert len(found) > 5
    return found


def test_a_personal_model_is_refused_with_the_remedy() -> None:
    with pytest.raises(PersonalDataRefused, match="pass the contact's id"):
        data_converter.payload_converter.to_payloads([Person(first_name="Ada")])
