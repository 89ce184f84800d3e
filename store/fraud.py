"""The fraud rules: pure, each with its evidence and its weight. `store/screening.py` gathers what they look at.

The failures prevented: money for somebody who refers themselves, and a rule that breaks and so lets everybody through.
A rule that cannot be run counts as a reason to look: it holds.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from disposable_email_domains import blocklist

from models.contact import Contact
from models.program import Fraud

Verdict = Literal["allow", "hold", "deny"]

Suspicion = Literal["machine", "unstamped", "program"]
"""What a form tells against whoever sent it; the rules `machine` and `program` say what each weighs."""

DENY = 100
HOLD = 50
HINT = 20
"""Weights. Their sum decides: from DENY on it is denied, from HOLD on a person looks."""

FREE_MAIL = frozenset(
    {"aol.com", "fastmail.com", "gmail.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com", "icloud.com"}
    | {"live.com", "mail.com", "mail.ru", "me.com", "msn.com", "outlook.com", "pm.me", "proton.me", "protonmail.com"}
    | {"qq.com", "t-online.de", "web.de", "yahoo.com", "yandex.com", "ymail.com", "zoho.com"}
)
"""Mail providers whose domain says nothing about whom one works for."""


@dataclass(frozen=True)
class Case:
    """A referral as the rules see it. `earlier_advocates` referred the same friend before; `chain` are the advocates on
    the way from the friend back to the advocate, empty when there is none."""

    advocate: Contact
    friend: Contact | None
    earlier_advocates: Sequence[str] = ()
    twins: Sequence[str] = ()
    """Other friends of this advocate with the same normalized address or telephone number."""
    chain: Sequence[str] = ()
    in_a_day: int = 0
    same_network: bool = False
    same_device: bool = False
    same_scan: bool = False
    """The friend's browser also opened the advocate's page by the code of the box, as anybody may who sees it."""
    others_from_network: int = 0
    payout_shared_with: Sequence[str] = ()
    is_customer: bool = False
    is_lead: bool = False
    coupon_sites: Sequence[str] = ()
    suspicions: Mapping[str, str] = field(default_factory=dict)
    """`Suspicion` → what more was seen, of the form that made the referral."""
    rules: Fraud = field(default_factory=Fraud)


@dataclass(frozen=True)
class Finding:
    """What a rule found. `words` are for people and name nobody."""

    rule: str
    weight: int
    words: str


Found = Iterator[tuple[int, str]]


def judge(case: Case) -> tuple[Verdict, list[Finding]]:
    """The verdict and its evidence, the weightiest first."""
    findings = sorted((f for rule in RULES for f in _run(rule, case)), key=lambda f: (-f.weight, f.rule))
    total = sum(finding.weight for finding in findings)
    return ("deny" if total >= DENY else "hold" if total >= HOLD else "allow"), findings


def _run(rule: Callable[[Case], Found], case: Case) -> list[Finding]:
    try:
        return [Finding(rule.__name__, weight, words) for weight, words in rule(case)]
    except Exception as error:
        return [Finding(rule.__name__, HOLD, f"the rule could not be run ({type(error).__name__})")]


def normalized(email: str | None) -> str | None:
    """An address as its mailbox: lower case, without a plus tag; at Google without dots."""
    if not email or "@" not in email:
        return None
    local, _, domain = email.strip().lower().rpartition("@")
    local = local.partition("+")[0]
    if domain in ("gmail.com", "googlemail.com"):
        return f"{local.replace('.', '')}@gmail.com"
    return f"{local}@{domain}"


def digits(phone: str | None) -> str | None:
    """The last nine digits of a telephone number: the same person, however the number is written."""
    found = re.sub(r"\D", "", phone or "")
    return found[-9:] if len(found) >= 7 else None


def domain_of(email: str | None) -> str:
    return (email or "").rpartition("@")[2].lower()


def nobody_is_named(case: Case) -> Found:
    """Money needs a person: somebody has to be told apart."""
    if case.friend is None:
        yield HOLD, "the report does not say who was referred"


def same_mailbox(case: Case) -> Found:
    ours, theirs = normalized(case.advocate.email), normalized(case.friend.email) if case.friend else None
    if ours is not None and ours == theirs:
        yield DENY, "the friend's mailbox is the advocate's own"


def same_telephone(case: Case) -> Found:
    ours, theirs = digits(case.advocate.phone), digits(case.friend.phone) if case.friend else None
    if ours is not None and ours == theirs:
        yield DENY, "the friend's telephone number is the advocate's own"


def same_name(case: Case) -> Found:
    friend = case.friend
    if friend is None or not (friend.first_name and friend.last_name):
        return
    if friend.name.casefold() == case.advocate.name.casefold():
        yield HOLD, "the friend has the advocate's name"


def same_company(case: Case) -> Found:
    ours, theirs = domain_of(case.advocate.email), domain_of(case.friend.email if case.friend else None)
    if ours and ours == theirs and ours not in FREE_MAIL:
        yield HOLD, "advocate and friend have mailboxes at the same company"


def disposable_mailbox(case: Case) -> Found:
    if case.friend is not None and domain_of(case.friend.email) in blocklist:
        yield HOLD, "the friend's mailbox is a disposable one"


def customer_already(case: Case) -> Found:
    if case.is_customer:
        yield DENY, "the friend is a customer already"
    elif case.is_lead:
        yield HOLD, "sales knew the friend before"


def referred_before(case: Case) -> Found:
    if case.earlier_advocates:
        yield DENY, "somebody else referred the friend first"


def counted_twice(case: Case) -> Found:
    if case.twins:
        yield DENY, "the advocate referred the same mailbox or telephone number before"


def loop(case: Case) -> Found:
    """Two who refer each other, or a ring that closes."""
    if len(case.chain) == 1:
        yield DENY, "the friend once referred the advocate"
    elif case.chain:
        yield DENY, f"a ring of {len(case.chain) + 1} people who refer each other"


def velocity(case: Case) -> Found:
    if case.in_a_day > case.rules.a_day:
        yield HOLD, f"{case.in_a_day} referrals by this advocate within a day; the program expects {case.rules.a_day}"


def same_connection(case: Case) -> Found:
    if case.same_device:
        yield HOLD, "the friend used the advocate's own device"
    elif case.same_network:
        yield HINT, "advocate and friend share a network address, as colleagues and families do"
    elif case.same_scan:
        yield HINT, "the friend opened the advocate's page by the code of the box, too"
    if case.others_from_network > case.rules.from_one_network:
        yield HOLD, f"{case.others_from_network} friends came from one network address within a week"


def same_payout(case: Case) -> Found:
    if case.payout_shared_with:
        yield DENY, "the payout account belongs to somebody else in the program, too"


def coupon_leak(case: Case) -> Found:
    if case.coupon_sites:
        yield HOLD, f"the code is passed on at {', '.join(sorted(case.coupon_sites)[:3])}"


def machine(case: Case) -> Found:
    """A form that we did not show is no proof: a page may have been left open while the keys were changed."""
    if words := case.suspicions.get("machine"):
        yield DENY, words
    if "unstamped" in case.suspicions:
        yield HOLD, "the form was not one that we showed"


def program(case: Case) -> Found:
    """What calls itself a program may be an app's own window, and what calls itself a browser may be a program."""
    if "program" in case.suspicions:
        yield HINT, "the form came from what calls itself a program, or does not say what it is"


RULES: tuple[Callable[[Case], Found], ...] = (
    *(nobody_is_named, same_mailbox, same_telephone, same_name, same_company, disposable_mailbox, customer_already),
    *(referred_before, counted_twice, loop, velocity, same_connection, same_payout, coupon_leak, machine, program),
)
"""Every rule, in the order of `docs/referrals.md`."""
