"""Prevents: an error that is garbled until it tells an operator nothing, and one that tells them whom it was about."""

from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from platforms.base import Call, Platform, PlatformSettings, Talk
from platforms.capabilities import Receipt
from platforms.errors import Rejected
from platforms.runner import Runner

SECRET = "s3cr3t-eve"
EVE = ["Eve", "Eve Oakley", "evé@oakley.example", "+49301234567", "田中", "Bo"]


class Settings(PlatformSettings):
    base_url: str = "https://vendor.example"
    api_key: SecretStr = SecretStr(SECRET)


def talk(own: Any) -> Talk:
    yield Call.post("/x")
    return Receipt()


VENDOR = Platform(
    name="vendor", label="Vendor", settings=Settings, limit=1.0, headers=lambda own, token: {}, doctor=talk
)


async def told(words: str) -> str:
    """The error that an operator reads when a vendor refuses in these words."""
    async with httpx.AsyncClient(
        transport=httpx.MockTransport(lambda request: httpx.Response(400, text=words))
    ) as client:
        with pytest.raises(Rejected) as refused:
            await Runner(client).hold(VENDOR, Settings(), talk(None), personal=EVE)
    return str(refused.value)


@pytest.mark.parametrize(
    "words",
    [
        'Property "ovation_referral_revenue" does not exist',
        "the event was never received, not even once",
        "oakleyeverett",
        "steve_eve_x",
    ],
)
async def test_a_word_that_only_contains_a_name_is_left_as_it_is(words: str) -> None:
    assert words in await told(words)


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("Eve is no contact", "*** is no contact"),
        ('{"name":"EVE"}', '{"name":"***"}'),
        ("for Eve Oakley: refused", "for ***: refused"),
        ("Eve's list", "***'s list"),
        (r"line\nEve", r"line\n***"),
        (r"\u003cEve\u003e", r"\u003c***\u003e"),
        ("?name=to%20Eve%20now", "?name=to%20***%20now"),
        ("call +49301234567.", "call ***."),
        ("tel:+49301234567", "tel:***"),
        ("Bo refused the box", "*** refused the box"),
    ],
)
async def test_the_persons_own_words_are_not_repeated(words: str, left: str) -> None:
    assert left in await told(words)


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        ("to:evé@oakley.examplex", "oakley"),
        ("no user eve@acme.example", "acme"),
        ("xbob@acme.examplex", "acme"),
        (f"key{SECRET}key", SECRET),
        (f"key{SECRET.upper()}", SECRET.upper()),
        ("顧客田中太様", "田中"),
    ],
)
async def test_addresses_and_secrets_are_nowhere_and_names_in_every_alphabet(words: str, gone: str) -> None:
    found = await told(words)
    assert gone not in found
    assert "***" in found
