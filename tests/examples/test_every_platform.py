"""Prevents: a platform that works in its folder's tests and not in the product; a write that is lost or doubled among
twenty others; a word of a vendor's that is heard twice, once by webhook and once by poll, or our own that comes back.

The program of every platform is played once (`conftest.py`): two advocates, nine friends, and people who move each
friend's referral at another vendor. What is expected is in `people.py` and here, written by hand.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.examples.conftest import Played
from tests.examples.people import ADA, END, EVE, OPT_OUTS, VERDICTS, friend_of, referral_of
from tests.examples.shown import SHOWN

pytestmark = pytest.mark.timeout(600)

FRIENDS = [friend_of(vendor) for vendor in VERDICTS]
SALES = 5


def _outbound(books: Any) -> int:
    return sum(message["direction"] != "inbound" for message in books["messages"])


def _said(words: str) -> Callable[[Any], int]:
    return lambda books: sum(message["text"].startswith(words) for message in books["messages"])


WRITTEN: list[tuple[str, str, Callable[[Any], Any], Any]] = [
    ("slack", "new referrals", _said("A new referral:"), 9),
    ("slack", "new customers", _said("A referral became a customer:"), SALES),
    ("slack", "new partners", _said("A new partner:"), 1),
    ("slack", "papers", _said("Papers have come in:"), 1),
    ("slack", "to the success manager", _said("A new advocate:"), 2),
    ("hubspot", "calls", lambda books: len(books["tasks"]), 2),
    ("hubspot", "members of the list", lambda books: [len(one["members"]) for one in books["lists"].values()], [2]),
    ("asana", "tasks", lambda books: len(books["tasks"]), 9 + 1),
    ("dynamics", "tasks", lambda books: len(books["rows"]["tasks"]), 9 + 1),
    ("mailchimp", "tagged", lambda books: sum("Referred friends" in m["tags"] for m in books["members"].values()), 9),
    ("mailchimp", "on a journey", lambda books: sum(len(m["events"]) for m in books["members"].values()), 2),
    ("activecampaign", "on the list", lambda books: len(books["on_lists"]), 9),
    ("activecampaign", "in an automation", lambda books: len(books["runs"]), 2),
    ("intercom", "own page, received, qualified, paid", lambda books: len(books["messages"]), 2 + 9 + 6 + SALES),
    ("twilio", "to friends, and a check-in", _outbound, 9 + 1),
    ("sendgrid", "welcome, account, paid", lambda books: len(books["mails"]), 9 + SALES + SALES),
    ("boxli", "boxes", lambda books: len(books["sends"]), 2),
    ("sendspark", "videos, each made once", lambda books: [one["made"] for one in books["prospects"]], [1, 1]),
    ("docusign", "envelopes", lambda books: len(books["envelopes"]), 1),
    ("dropbox", "requests for files", lambda books: len(books["requests"]), 1),
    ("stripe", "accounts", lambda books: len(books["accounts"]), 1),
    (
        "stripe",
        "a tenth of each sale, in cents",
        lambda books: sorted(one["amount"] for one in books["transfers"].values()),
        [4_000, 6_000, 7_000, 9_000, 80_000],
    ),
]


@pytest.mark.parametrize(("vendor", "what", "read", "expected"), WRITTEN, ids=[f"{v}: {w}" for v, w, *_ in WRITTEN])
async def test_a_vendor_was_told_once(
    vendor: str, what: str, read: Callable[[Any], Any], expected: Any, played: Played
) -> None:
    assert read(await played.world.books(vendor)) == expected


@pytest.mark.parametrize("what", SHOWN)
async def test_a_referral_is_there_once_and_has_come_as_far_as_everywhere(what: str, played: Played) -> None:
    vendor, read, words = SHOWN[what]
    expected = [(await referral_of(played.world, one), words[END[one]]) for one in VERDICTS]
    assert sorted(read(await played.world.books(vendor))) == sorted(expected)


async def test_what_people_did_was_heard_once_and_nothing_else(played: Played) -> None:
    expected = Counter(
        [
            *(("events:test", "referral.submitted", friend) for friend in FRIENDS),
            *((v, move.tells, friend_of(v)) for v, moves in VERDICTS.items() for move in moves if move.tells),
            *((vendor, "contact.opted_out", who) for vendor, (_, _, who) in OPT_OUTS.items()),
            *((source, kind, who) for who in (ADA, EVE) for source, kind in _OF_BOTH),
            *((source, kind, ADA) for source, kind in _OF_ADA),
            *[("ovation", "payee.invited", ADA)] * SALES,
            *[("ovation", "reward.paid", ADA)] * SALES,
            ("delighted", "nps.answered", ADA),
            ("wootric", "nps.answered", EVE),
        ]
    )
    heard = Counter({one: n for one, n in played.heard.items() if one[1] != "message.delivered"})
    assert heard - expected == Counter(), "heard too often, or never said"
    assert expected - heard == Counter(), "never heard"


_OF_BOTH = [
    ("intercom", "contact.updated"),
    ("sendspark", "video.ready"),
    ("boxli", "gift.shipped"),
    ("boxli", "gift.delivered"),
]
_OF_ADA = [
    ("pages", "hub.visited"),
    ("qr", "qr.scanned"),
    ("sendspark", "video.viewed"),
    ("docusign", "agreement.signed"),
    ("dropbox", "files.received"),
    ("stripe", "payee.ready"),
    ("asana", "task.completed"),
    ("dynamics", "task.completed"),
    ("ovation", "tier.reached"),
]


async def test_another_look_at_every_vendor_finds_nothing_that_was_not_heard(played: Played) -> None:
    assert played.again == Counter()


async def test_no_webhook_was_refused_or_not_understood(played: Played) -> None:
    told = (await played.world.http.get(f"{played.world.sandbox}/webhooks")).json()
    assert {one["status"] for one in told} <= {200, 202, 204}
    assert await played.world.sql("SELECT platform, name FROM strays") == []


async def test_nothing_was_refused_and_nothing_is_in_doubt(played: Played) -> None:
    rows = await played.world.sql("SELECT key, status, reason FROM effects WHERE status NOT IN ('done', 'withheld')")
    assert [tuple(row) for row in rows] == []
