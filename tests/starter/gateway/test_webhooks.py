"""Prevents: a vendor's webhook that ends in a 500, and is sent again for ever, or until the vendor gives up on us."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from temporalio.client import ScheduleHandle
from temporalio.service import RPCError, RPCStatusCode

from models.contact import Identity
from models.event import Event
from platforms.slack.webhook import sign
from starter.gateway import gateway
from starter.gateway.gateway import Gateway
from tests.starter.gateway.conftest import URL, Door

PROMOTER = {"id": 5, "score": 10, "email": "canary@example.com", "text": "Canarelli is happy"}


@pytest.mark.parametrize(
    ("odd", "status", "why"), [("Canarelli\0", 422, "a NUL"), ("Canarelli\ud800", 400, "not JSON")]
)
async def test_what_cannot_be_kept_is_refused_with_the_reason_and_quoted_nowhere(
    door: Door, odd: str, status: int, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await door.wootric({**PROMOTER, "text": odd})
    assert answer.status_code == status
    assert why in answer.json()["detail"]
    assert await door.stored() == []
    assert f"webhook of wootric refused ({status})" in caplog.text
    for mark in ("Canarelli", "canary"):
        assert mark not in caplog.text
        assert mark not in answer.text


def answered(door: Door, inbound: dict[str, Any]) -> None:
    """Wootric's folder reads otherwise than it does."""
    platform, settings = door.gateway.platforms["wootric"]
    assert platform.inbound is not None
    other = replace(platform, inbound=replace(platform.inbound, **inbound))
    door.gateway.platforms = {**door.gateway.platforms, "wootric": (other, settings)}


async def test_its_neighbors_in_a_delivery_are_stored(door: Door) -> None:
    items = [
        ("response.created", {"response": {**PROMOTER, "id": n, "text": words}})
        for n, words in ((1, "fine"), (2, "a\0b"), (3, "fine"))
    ]
    answered(door, {"unpack": lambda incoming: items})
    assert (await door.wootric(PROMOTER)).status_code == 422
    assert {one.partition(":")[0] for one in await door.stored()} == {"1", "3"}


async def test_its_neighbors_in_an_item_are_stored(door: Door) -> None:
    subject = Identity(kind="email", value="a@b.example")
    both = [
        Event(type=kind, source="wootric", source_id=kind, subject=subject, at=datetime.now(UTC), data=data)
        for kind, data in (("contact.tagged", {"tag": "a\0b"}), ("contact.opted_out", {}))
    ]
    answered(door, {"events": {"response.created": lambda body: both}})
    assert (await door.wootric(PROMOTER)).status_code == 422
    assert await door.stored() == ["contact.opted_out"]


async def test_a_name_that_nobody_listed_and_nobody_can_keep(door: Door) -> None:
    settings = door.gateway.platforms["slack"][1]
    for name in ("a\0b", "a\ud800b"):
        body = json.dumps({"type": "event_callback", "event_id": "1", "event": {"type": name}}).encode()
        headers = {**sign(body, settings, URL, datetime.now(UTC)), "content-type": "application/json"}
        answer = await door.http.post("/webhooks/slack", content=body, headers=headers)
        assert answer.status_code == 422, answer.text


async def test_a_handshake_by_a_stranger_is_a_bad_signature(door: Door) -> None:
    answer = await door.http.post("/webhooks/slack", json={"type": "url_verification", "challenge": "x"})
    assert answer.status_code == 401
    assert "X-Slack-Signature" in answer.json()["detail"]


async def test_a_handshake_that_makes_no_sense_says_so(door: Door) -> None:
    answer = await door.http.get("/webhooks/dropbox", params={"challenge": "two words"})
    assert answer.status_code == 400
    assert "challenge" in answer.json()["detail"]


# A vendor that says only that something changed.


async def test_while_temporal_is_away_the_vendor_is_answered_all_the_same(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await door.asana(tasks=3)
    assert answer.status_code == 200, answer.text
    assert caplog.text.count("was not run at once") == 1


@pytest.mark.parametrize("error", [RPCError("no such schedule", RPCStatusCode.NOT_FOUND, b""), OSError("gone")])
async def test_an_upkeep_that_cannot_be_run_at_once_is_run_by_the_clock(door: Door, error: Exception) -> None:
    with patch.object(ScheduleHandle, "trigger", side_effect=error):
        assert (await door.asana(tasks=1)).status_code == 200


async def test_a_temporal_that_does_not_answer_keeps_no_vendor_waiting(door: Door) -> None:
    async def never(self: object) -> None:
        await asyncio.sleep(60)

    with patch.object(ScheduleHandle, "trigger", never), patch.object(gateway, "PATIENCE", 0.1):
        assert (await asyncio.wait_for(door.asana(tasks=1), 5)).status_code == 200


async def test_a_thousand_changes_run_an_upkeep_once(door: Door) -> None:
    with patch.object(Gateway, "poke", AsyncMock()) as poke:
        assert (await door.asana(tasks=1000)).status_code == 200
    poke.assert_awaited_once_with("asana", "tasks")
