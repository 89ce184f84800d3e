"""What truly happened, made from a seed: advocates, friends, sales, losses, refunds, and who tells of them how often.

The failure prevented: a chaos run that cannot be repeated. Everything random about the world is here; only the moments
of the crashes are not.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Literal

CURRENCIES = ("USD", "EUR", "GBP")
SOURCES = ("crm", "billing", "partner-portal")

When = Literal["early", "late", "never"]


@dataclass(frozen=True)
class Advocate:
    """`account`: when they complete the payer's form, seen from their first sale."""

    email: str
    account: When


@dataclass(frozen=True)
class Fact:
    """Something that happened to a sale. `total` of a refund is all that went back so far; None is all of it.

    `late`: only after the return window."""

    kind: Literal["submitted", "qualified", "closed", "lost", "refunded"]
    total: int | None = None
    late: bool = False


@dataclass(frozen=True)
class Report:
    """A fact as one system tells it: `times` over, under the same id; `vague` leaves out the amount."""

    fact: int
    source: str
    times: int = 1
    vague: bool = False


@dataclass
class Referral:
    """A friend of an advocate, what happened, and what is told of it, in the order in which it reaches us.

    `refused`: nobody may be paid for it, whatever happens. `after`: another referral that is told of first."""

    number: int
    advocate: Advocate
    friend: str
    currency: str
    facts: list[Fact]
    reports: list[Report] = field(default_factory=list)
    refused: str = ""
    after: "Referral | None" = None

    @property
    def name(self) -> tuple[str, str]:
        return self.advocate.email, self.friend


@dataclass(frozen=True)
class World:
    """`budgeted` come at the end, in one currency, under a budget that is too small for them."""

    advocates: list[Advocate]
    referrals: list[Referral]
    budgeted: list[Referral]


Happened = Callable[[Random, int], Iterator[Fact]]


def kept(dice: Random, worth: int) -> Iterator[Fact]:
    yield Fact("closed", worth)


def open_still(dice: Random, worth: int) -> Iterator[Fact]:
    return iter(())


def lost(dice: Random, worth: int) -> Iterator[Fact]:
    yield Fact("lost")


def won_back(dice: Random, worth: int) -> Iterator[Fact]:
    yield Fact("lost")
    yield Fact("closed", worth)


def lost_again(dice: Random, worth: int) -> Iterator[Fact]:
    yield Fact("closed", worth)
    yield Fact("lost", late=dice.random() < 0.6)


def refunded(dice: Random, worth: int) -> Iterator[Fact]:
    yield Fact("closed", worth)
    yield Fact("refunded", dice.choice([None, worth]), late=dice.random() < 0.6)


def refunded_in_part(dice: Random, worth: int) -> Iterator[Fact]:
    """Once or more; the totals grow. Some of it within the window, some after."""
    yield Fact("closed", worth)
    late = False
    for total in sorted(dice.sample(range(1, worth), dice.choice([1, 2, 3]))):
        late = late or dice.random() < 0.6
        yield Fact("refunded", total, late=late)


STORIES: dict[Happened, int] = {
    kept: 8,
    open_still: 1,
    lost: 1,
    won_back: 2,
    lost_again: 2,
    refunded: 3,
    refunded_in_part: 5,
}
"""What may become of a referral, and how often it does."""


def make(seed: int, count: int) -> World:
    """`count` referrals, a tenth of them dishonest ones, and as many again as a fifth under the budget."""
    dice = Random(seed)
    honest = [Advocate(f"ada{n}@partner{n}.example", _account(dice)) for n in range(max(3, count // 8))]
    referrals = [_referral(dice, n, dice.choice(honest)) for n in range(count - 3 * (count // 25))]
    for _ in range(count // 25):
        referrals += _dishonest(dice, len(referrals), referrals, honest)
    generous = [Advocate(f"grace{n}@patron{n}.example", "early") for n in range(3)]
    budgeted = [_referral(dice, 100_000 + n, dice.choice(generous), "USD", kept) for n in range(max(4, count // 10))]
    everybody = {r.advocate.email: r.advocate for r in [*referrals, *budgeted]}
    return World(list(everybody.values()), referrals, budgeted)


def _account(dice: Random) -> When:
    choice: When = dice.choices(["early", "late", "never"], [6, 2, 1])[0]  # type: ignore[assignment]
    return choice


def _referral(
    dice: Random, number: int, advocate: Advocate, currency: str | None = None, happened: Happened | None = None
) -> Referral:
    what = happened or dice.choices(list(STORIES), list(STORIES.values()))[0]
    began = [Fact("submitted"), Fact("qualified")] if dice.random() < 0.5 else [Fact("submitted")]
    facts = [*began, *what(dice, dice.randint(500, 60_000))]
    friend = f"bo{number}@customer{number}.example"
    return _told(dice, Referral(number, advocate, friend, currency or dice.choice(CURRENCIES), facts))


def _told(dice: Random, referral: Referral) -> Referral:
    """One to three systems tell each fact, some twice. Their order is random, but nothing late is told early."""
    for late in (False, True):
        told = []
        for number, fact in enumerate(referral.facts):
            if fact.late is late:
                sources = dice.sample(SOURCES, dice.choices([1, 2, 3], [5, 3, 1])[0])
                told += [Report(number, source, dice.choices([1, 2], [4, 1])[0]) for source in sources]
                if len(sources) > 1 and dice.random() < 0.3:
                    told[-1] = Report(number, sources[-1], vague=fact.kind == "closed")
        dice.shuffle(told)
        referral.reports += told
    return referral


def _dishonest(dice: Random, number: int, others: list[Referral], honest: list[Advocate]) -> list[Referral]:
    """Three that nobody may be paid for: of oneself, in a ring of two, or of somebody else's friend."""
    own, early = dice.choice(honest), "early"
    selfish = _referral(dice, number, own, None, kept)
    selfish.friend, selfish.refused = own.email.replace("@", f"+{number}@"), "of themselves"
    if dice.random() < 0.5:
        first, second = (Advocate(f"{who}{number}@ring-{who}{number}.example", early) for who in ("eve", "mal"))
        there, back = _referral(dice, number + 1, first, None, kept), _referral(dice, number + 2, second, None, kept)
        there.friend, back.friend = second.email, first.email
        there.refused = back.refused = "in a ring"
        return [selfish, there, back]
    robbed = dice.choice([r for r in others if not r.refused])
    rival = _referral(dice, number + 1, Advocate(f"rob{number}@rival{number}.example", early), None, kept)
    rival.friend, rival.refused, rival.after = robbed.friend, "somebody else's friend", robbed
    return [selfish, rival, _referral(dice, number + 2, own)]
