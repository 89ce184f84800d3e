"""The books that are held against each other: our rewards and their entries, and the payer's own.

A sum that is right may still hide a mistake that another one makes up for, so each referral is compared by itself, and
each account of the payer's besides.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.chaos.facts import Referral
from tests.chaos.oracle import Due

Name = tuple[str, str]

_MOVED = text("""
    SELECT a.email AS advocate, f.email AS friend, w.id, w.status, w.amount_minor, w.reason, w.currency,
           coalesce(sum(e.amount_minor), 0)::bigint AS kept,
           coalesce(sum(e.amount_minor) FILTER (WHERE e.amount_minor > 0), 0)::bigint AS paid,
           count(e.*) FILTER (WHERE e.amount_minor > 0) AS payments
    FROM rewards w
    JOIN referrals r ON r.id = w.referral_id
    JOIN contacts a ON a.id = r.advocate_id
    LEFT JOIN contacts f ON f.id = r.friend_id
    LEFT JOIN reward_entries e ON e.reward_id = w.id
    GROUP BY w.id, a.email, f.email
""")

_OPEN = text("""
    SELECT (SELECT count(*) FROM inbox WHERE handed_at IS NULL) AS unheard,
           (SELECT count(*) FROM effects WHERE status IN ('claimed', 'pending') AND effect = ANY(:money)) AS under_way
""")


@dataclass(frozen=True)
class Open:
    """What is not over yet: events nobody heard, effects of money that may be under way."""

    unheard: int
    under_way: int


@dataclass
class Books:
    """As they were read at one moment. `transfers` by the reward they paid."""

    rewards: dict[Name, Row[Any]]
    transfers: dict[str, list[dict[str, Any]]]
    balances: dict[tuple[str, str], int]
    handed: set[str]
    wrong: list[tuple[Name | None, str]] = field(default_factory=list)


async def read(engine: AsyncEngine, stripe: Any) -> Books:
    """Ours from the database, the payer's from what its own page gives."""
    async with engine.connect() as conn:
        rows = (await conn.execute(_MOVED)).all()
        handed = (await conn.execute(text("SELECT id FROM inbox WHERE handed_at IS NOT NULL"))).scalars()
        heard = {str(found) for found in handed}
    books = Books({}, _by_reward(stripe), _balances(stripe), heard)
    for row in rows:
        name = (row.advocate, row.friend or "")
        if name in books.rewards:
            books.wrong.append((name, "two rewards for one referral"))
        books.rewards[name] = row
    return books


async def open_still(engine: AsyncEngine) -> Open:
    async with engine.connect() as conn:
        row = (await conn.execute(_OPEN, {"money": ["invite_payee", "pay_reward", "take_back_reward"]})).one()
    return Open(row.unheard, row.under_way)


def _by_reward(stripe: Any) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for transfer in stripe["transfers"].values():
        found[transfer["metadata"]["ovation_reward"]].append(transfer)
    return dict(found)


def _balances(stripe: Any) -> dict[tuple[str, str], int]:
    """What each payee holds by double entry, whatever the transfers say. Nobody pays out here."""
    owners = {account["id"]: account["email"] for account in stripe["accounts"].values()}
    held: Counter[tuple[str, str]] = Counter()
    for entry in stripe["entries"]:
        for place, sign in ((entry["given_to"], 1), (entry["taken_from"], -1)):
            if place in owners:
                held[owners[place], entry["currency"].upper()] += sign * entry["amount"]
    return {place: amount for place, amount in held.items() if amount}


def balance(books: Books, dues: Iterable[tuple[Referral, Due]], accepted: set[str]) -> list[tuple[Name | None, str]]:
    """Every difference, with the referral it is in where it is in one."""
    wrong, expected = list(books.wrong), Counter[tuple[str, str]]()
    known = set()
    for referral, due in dues:
        known.add(referral.name)
        expected[referral.advocate.email, referral.currency] += due.left
        wrong += [(referral.name, words) for words in _of_one(books, referral, due)]
    for name in books.rewards.keys() - known:
        if books.rewards[name].paid:
            wrong.append((name, "paid for a referral that nobody made"))
    for place in expected.keys() | books.balances.keys():
        if expected[place] != books.balances.get(place, 0):
            words = f"{place[0]} holds {books.balances.get(place, 0)} {place[1]} at Stripe, due is {expected[place]}"
            wrong.append((None, words))
    if unheard := accepted - books.handed:
        wrong.append((None, f"{len(unheard)} accepted events were never handed on: {sorted(unheard)[:3]}"))
    return wrong


def _of_one(books: Books, referral: Referral, due: Due) -> list[str]:
    row = books.rewards.get(referral.name)
    if row is None:
        return [f"due is {due.left} {referral.currency}, and there is no reward"] if due.left else []
    transfers = books.transfers.get(row.id, [])
    sent = sum(t["amount"] for t in transfers)
    left = sent - sum(t["amount_reversed"] for t in transfers)
    wrong = []
    if not due.left == row.kept == left:
        wrong.append(f"due is {due.left}, our entries say {row.kept}, Stripe's transfers {left} ({row.currency})")
    if row.paid != sent:
        wrong.append(f"our entries say that {row.paid} was paid, Stripe's transfers {sent}")
    if len(transfers) > 1 or row.payments > 1:
        wrong.append(f"paid {max(len(transfers), row.payments)} times")
    if not due.left <= sent <= due.most and sent:
        wrong.append(f"paid {sent}: at no time was more due than {due.most}")
    if {t["currency"].upper() for t in transfers} - {referral.currency}:
        wrong.append(f"paid in another currency than {referral.currency}")
    return wrong


def budget_kept(books: Books, budgeted: Sequence[Referral], dues: dict[Name, Due], room: int) -> list[str]:
    """Nothing beyond the budget; nobody waits who would fit; whoever waits, waits for the budget."""
    rows = [row for r in budgeted if (row := books.rewards.get(r.name)) is not None]
    paid = sum(row.paid for row in rows)
    wrong = [] if paid <= room else [f"{paid} was paid from a budget of {room}"]
    wrong += [f"{len(budgeted) - len(rows)} were never looked at"] if len(rows) < len(budgeted) else []
    for row in rows:
        owed = dues[row.advocate, row.friend].left
        if row.paid not in (0, owed):
            wrong.append(f"{row.friend}: {row.paid} was paid, due is {owed}")
        if not row.paid and (owed <= room - paid or "budget" not in (row.reason or "")):
            wrong.append(f"{row.friend} waits for {owed} ({row.reason}), and {room - paid} is left")
    return wrong if any(not row.paid for row in rows) else [*wrong, "the budget was never used up: the run proves less"]
