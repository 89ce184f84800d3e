"""Prevents: an action that happens twice after a lost answer, an error taken for another kind, a secret in a message.

Every action of every platform passes by being declared: it is done against the vendor's stand-in over real HTTP, by the
real runner, while the vendor misbehaves. What it takes is in `SAMPLES`, one for each type of action.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from pydantic import SecretStr

from models.contact import Address
from models.money import Money
from platforms import all_platforms, capabilities
from platforms.base import Action, Findable, Idempotent, Platform, PlatformSettings, Unsafe
from platforms.capabilities import Receipt, Who
from platforms.errors import InDoubt, RateLimited, Unauthorized, Unavailable, VendorError
from platforms.runner import Runner
from sandbox.app import create_app
from sandbox.server import listen, server
from sandbox.vendors import Vendor, found

DOCUSIGN_TEMPLATE = "4e1f7a90-3c2b-4d5e-8f6a-9b0c1d2e3f4a"
NOW = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)
KEY = "r_7hk2q9/lead/do"
ADA = Who(contact="c_ada", email="ada@engines.example", first_name="Ada", last_name="Lovelace", company="Engines")
BO = Who(contact="c_bo", email="bo@new.example", first_name="Bo", last_name="Chen", company="New Ltd")
PERSONAL = ("ada@engines.example", "bo@new.example", "Lovelace", "Chen", "1 Engine Way")
REFERRAL: dict[str, Any] = {
    "referral": "r_7hk2q9",
    "advocate": ADA,
    "person": BO,
    "stage": "qualified",
    "amount": Money(minor=1_200_000, currency="USD"),
    "link": "https://ovation.example/r_7hk2q9",
    "notes": "Wants it by spring.",
    "submitted_at": NOW - timedelta(days=1),
    "at": NOW,
}
ADDRESS = Address(line1="1 Engine Way", city="London", postal_code="N1 1AA", country="GB")
SAMPLES: dict[str, dict[str, Any]] = {
    "FindContact": {"who": ADA},
    "AddToList": {"who": ADA, "list": "Champions"},
    "CreateTask": {
        "who": ADA,
        "title": "Call her",
        "notes": "Thanks only.",
        "due": datetime.now(UTC) + timedelta(days=1),
    },
    "WriteNote": {"who": ADA, "text": "Spoke up for us.", "at": NOW},
    "AttributeRevenue": {
        "who": ADA,
        "referral": "r_7hk2q9",
        "amount": Money(minor=1_200_000, currency="USD"),
        "total": Money(minor=1_200_000, currency="USD"),
        "closed_at": NOW,
    },
    "MakeVideo": {"campaign": "dyn-thank-you", "first_name": "Ada", "email": "ada@engines.example"},
    "SendGift": {"box": "advocate", "name": "Ada Lovelace", "email": "ada@engines.example", "address": ADDRESS}
    | {"qr_url": "https://ovation.example/q/7hk2", "video_url": "https://video.example/share/1"},
    "PostMessage": {"channel": "C0SANDBOX1", "title": "News", "text": "Somebody spoke up."},
    "SendEmail": {"to": "ada@engines.example", "subject": "Thanks", "text": "Thanks", "html": "<p>Thanks</p>"},
    "PutLead": REFERRAL,
    "PutCard": REFERRAL,
    "PutRow": REFERRAL,
    "OpenTicket": {**REFERRAL, "subject": "A referral", "text": "Please look."},
    "Enroll": {"who": BO, "audience": "tag:nurture"},
    "SendText": {"to": "+15555550123", "text": "Acme: thank you. Reply STOP to end."},
    "SendInApp": {"who": ADA, "text": "Thank you."},
    "RequestSignature": {"who": ADA, "template": DOCUSIGN_TEMPLATE, "title": "Our agreement"},
    "RequestFiles": {"referral": "r_7hk2q9", "title": "Papers", "deadline": datetime.now(UTC) + timedelta(days=14)},
    "InvitePayee": {
        "who": ADA,
        "country": "US",
        "return_url": "https://ovation.example/hub",
        "refresh_url": "https://ovation.example/payout",
    },
    "PayReward": {
        "who": ADA,
        "reward": "w_1",
        "amount": Money(minor=5_000, currency="USD"),
        "wallet": "code",
        "description": "Thank you",
    },
    "TakeBack": {"reward": "w_1", "payment": "promo_1", "amount": Money(minor=5_000, currency="USD"), "wallet": "code"},
}

CASES = [(name, action) for name, platform in all_platforms().items() for action in platform.actions]
WRITES = [(name, action) for name, action in CASES if action.takes.__name__ not in ("FindContact", "TakeBack")]
SAFE = [(name, action) for name, action in WRITES if not isinstance(action.repeat, Unsafe)]


def ids(case: Any) -> str:
    return case if isinstance(case, str) else case.takes.__name__


each_action = pytest.mark.parametrize(("name", "action"), CASES, ids=ids)
each_write = pytest.mark.parametrize(("name", "action"), WRITES, ids=ids)
each_safe_write = pytest.mark.parametrize(("name", "action"), SAFE, ids=ids)


def test_every_action_has_a_sample() -> None:
    wanted = {kind.__name__ for kinds in capabilities.CAPABILITIES.values() for kind in kinds}
    assert wanted == SAMPLES.keys()


@dataclass
class Stage:
    """A platform, its stand-in at work, and a runner that talks to it."""

    platform: Platform
    settings: PlatformSettings
    vendor: Vendor
    runner: Runner
    url: str
    http: httpx.AsyncClient

    async def do(self, action: Action, key: str = KEY) -> Receipt:
        asked = sample(action)
        receipt: Receipt = await self.runner.hold(
            self.platform, self.settings, action.talk(asked, key, self.settings), key=key, personal=PERSONAL
        )
        return receipt

    async def find(self, action: Action, key: str = KEY) -> Receipt | None:
        assert not isinstance(action.repeat, Unsafe)
        assert action.repeat.find is not None
        found_: Receipt | None = await self.runner.hold(
            self.platform, self.settings, action.repeat.find(sample(action), key, self.settings), key=key
        )
        return found_

    async def fault(self, kind: str, count: int = 1, after: int = 0) -> None:
        body = {"platform": self.platform.name, "kind": kind, "count": count, "after": after}
        assert (await self.http.post(f"{self.url}/faults", json=body)).is_success

    async def calls(self) -> list[dict[str, Any]]:
        return list((await self.http.get(f"{self.url}/outbox")).json())

    def books(self) -> Any:
        return counted(self.vendor.books.model_dump(mode="json"))


def sample(action: Action) -> Any:
    return action.takes.model_validate(SAMPLES[action.takes.__name__])


def counted(books: Any) -> Any:
    """How many of each thing there are. The vendor's ids and times differ from one account to the next."""
    if isinstance(books, dict):
        return len(books), sorted(repr(counted(value)) for value in books.values() if isinstance(value, dict | list))
    return len(books) if isinstance(books, list) else None


@dataclass
class Served:
    """All stand-ins behind one server, for the whole run."""

    url: str
    vendors: dict[str, Vendor]
    http: httpx.AsyncClient


@pytest.fixture(autouse=True)
def _no_patience() -> Iterator[None]:
    """What a vendor asks us to wait is told, and not slept."""
    with patch("platforms.runner.SHORT_WAIT", 0.1):
        yield


@pytest.fixture(scope="session")
async def served() -> AsyncIterator[Served]:
    vendors = {vendor.name: vendor for vendor in found()}
    socket = listen(0)
    url = f"http://127.0.0.1:{socket.getsockname()[1]}"
    one = server(create_app(vendors.values(), "http://127.0.0.1:9"))
    serving = asyncio.create_task(one.serve(sockets=[socket]))
    async with httpx.AsyncClient(trust_env=False) as http:
        yield Served(url, vendors, http)
    one.should_exit = True
    await serving


@asynccontextmanager
async def stage(served: Served, name: str) -> AsyncIterator[Stage]:
    """A vendor whose books are empty and who does not misbehave yet."""
    vendor, url = served.vendors[name], served.url
    vendor.start_afresh()
    await served.http.delete(f"{url}/outbox")
    await served.http.delete(f"{url}/faults")
    settings = vendor.settings.model_copy(update={"base_url": f"{url}/{name}"})
    runner = Runner()
    try:
        for move, given in PEOPLE.get(name, []):
            assert (await served.http.post(f"{url}/{name}/_move/{move}", json=given)).is_success, move
        yield Stage(all_platforms()[name], settings, vendor, runner, url, served.http)
    finally:
        await runner.close()


PEOPLE: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "hubspot": [("contact", {"email": "ada@engines.example", "properties": {"firstname": "Ada"}})],
    "intercom": [("sign_up", {"email": "ada@engines.example"})],
}
"""Who must be known at a vendor before anything can be done to them there: its moves, with what they are given."""


@each_write
async def test_it_is_done_and_the_receipt_names_what_was_made(served: Served, name: str, action: Action) -> None:
    async with stage(served, name) as here:
        receipt = await here.do(action)
        assert receipt.reference, "without a reference nobody can look it up again"
        for value in PERSONAL:
            assert value not in str(receipt.facts), "facts go into histories"


@each_safe_write
async def test_the_same_key_twice_makes_one_thing(served: Served, name: str, action: Action) -> None:
    """As the ledger repeats it: with the same key where the vendor knows keys, else after a look."""
    async with stage(served, name) as here:
        first = await here.do(action)
        before = here.books()
        if isinstance(action.repeat, Findable):
            second = await here.find(action)
            assert second is not None, "what was done is found"
        else:
            second = await here.do(action)
        assert second.reference == first.reference
        assert here.books() == before


@each_write
async def test_an_answer_that_is_lost_is_a_doubt_and_the_repeat_makes_no_second(
    served: Served, name: str, action: Action
) -> None:
    async with stage(served, name) as here:
        await here.do(action)
        undisturbed, calls = here.books(), len(await here.calls())
    async with stage(served, name) as here:
        await here.fault("accept_then_drop", after=calls - 1)  # the last answer of the talk is lost
        doubt: VendorError | None = None
        try:
            await here.do(action)
        except (InDoubt, Unavailable) as error:
            doubt = error
        if isinstance(action.repeat, Unsafe):
            assert isinstance(doubt, InDoubt), "nobody can tell, so a person is asked"
            return
        again = await here.find(action) if isinstance(action.repeat, Findable) else await here.do(action)
        again = again or await here.do(action)
        assert again.reference
        assert here.books() == undisturbed


@each_action
@pytest.mark.parametrize("kind", ["500", "reset", "429"])
async def test_each_trouble_is_of_its_kind_and_tells_no_secret(
    served: Served, name: str, action: Action, kind: str
) -> None:
    async with stage(served, name) as here:
        await here.fault(kind, count=20)
        with pytest.raises(VendorError) as caught:
            await here.do(action)
        error = caught.value
        expected = {"500": (InDoubt, Unavailable), "reset": (InDoubt, Unavailable), "429": (RateLimited, Unauthorized)}
        assert isinstance(error, expected[kind]), f"{kind} is {type(error).__name__}: {error}"
        for word in [*here.settings.secrets(), *PERSONAL]:
            assert word not in str(error)


@each_action
async def test_after_a_rate_limit_it_is_done(served: Served, name: str, action: Action) -> None:
    if action.takes.__name__ == "TakeBack":
        return  # needs a payment first: tests/platforms/test_stripe.py
    async with stage(served, name) as here:
        await here.fault("429")
        try:
            await here.do(action)
        except RateLimited as limited:
            assert limited.retry_after > 0, "the vendor says when, or we do"
            await here.do(action)


@pytest.mark.parametrize("name", [name for name, p in all_platforms().items() if p.actions])
async def test_a_wrong_credential_is_unauthorized(served: Served, name: str) -> None:
    async with stage(served, name) as here:
        secret = [f for f in type(here.settings).model_fields if isinstance(getattr(here.settings, f), SecretStr)]
        wrong = {field: SecretStr("wrong") for field in secret if field != "webhook_secret"}
        here.settings = here.settings.model_copy(update=wrong)
        with pytest.raises(Unauthorized):
            await here.do(here.platform.actions[0])


@pytest.mark.parametrize("name", list(all_platforms()))
async def test_the_doctor_finds_the_stand_in_healthy(served: Served, name: str) -> None:
    async with stage(served, name) as here:
        receipt = await here.runner.hold(here.platform, here.settings, here.platform.doctor(here.settings))
        assert isinstance(receipt, Receipt)


def test_idempotent_actions_say_how_long_or_for_ever() -> None:
    for name, action in CASES:
        if isinstance(action.repeat, Idempotent) and action.repeat.within is not None:
            assert action.repeat.within > timedelta(minutes=10), name
