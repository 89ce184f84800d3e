"""Two contacts that turn out to be one person.

The failures prevented: somebody whom the survey knows by e-mail and the CRM by its own id, thanked twice; an opt-out
that is told of the one and not heard by the other; a link in an old mail that leads to nobody; one sale that is told of
both, and paid twice. All that was the one's becomes the other's; what names the one outside is led on
(`store/identity.py`: `follow`, `kept_as`).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, exists, func, null, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from models.contact import Identity
from store.database import new_id, now
from store.fraud import DENY
from store.identity import SAME_PERSON, follow, owners
from store.ledger import HAS_ACTED
from store.reward import money_of
from store.screening import decision_on
from store.tables import (
    codes,
    contacts,
    effects,
    entries,
    findings,
    identities,
    inbox,
    journeys,
    payees,
    referrals,
    rewards,
    touches,
)

_ONE_AT_A_TIME = select(func.pg_advisory_xact_lock(func.hashtext("ovation.merge")))
"""Two merges at once could each name a person whom the other one is just merging."""

_SHARED = ("email", "phone")
"""Kinds of names that families and offices share, or that `rightful` looks at: they make nobody the same person."""

_NAMED = ("email", "first_name", "last_name", "company", "phone")
_FACTS = (*_NAMED, "time_zone", "locale", "region", "address", "csm_email")


async def one_person(conn: AsyncConnection, contact: str, names: Sequence[Identity], email: str | None) -> str:
    """Merges the contacts that a CRM tells to be one: `contact`, whose record it told, whoever has the record's
    `email`, and whoever is known by its `names`. Gives who they all are by now.

    Who has the address is kept: the mails went there. Of two names it is the one whose record was asked for, because an
    effect of theirs is under way just now. The other way round, if the one that would be kept has a journey that has
    done nothing yet, in a playbook through which the other was led already: that journey then ends instead of doing all
    of it again, and nothing that has been done for them loses its journey."""
    who = await follow(conn, contact)
    if who == contact and not await _others(conn, who, names, email):
        return who
    await conn.execute(_ONE_AT_A_TIME)
    who = await follow(conn, contact)
    if who != contact:
        await merge(conn, contact, who)
    by_address = await rightful(conn, who, email)
    for other in await _others(conn, who, names, email):
        kept, lost = (other, who) if other == by_address else (who, other)
        if await _repeats(conn, kept, lost) and not await _repeats(conn, lost, kept):
            kept, lost = lost, kept
        await merge(conn, lost, kept)
        who = kept
    return who


async def _others(conn: AsyncConnection, who: str, names: Sequence[Identity], email: str | None) -> list[str]:
    """Who else it is, each once; the owner of the address first. An account that money goes to may be two people's,
    and is for the fraud rules to judge."""
    told = [name for name in names if name.kind not in _SHARED]
    paid = select(payees.c.platform, payees.c.account).where(payees.c.account.in_([name.value for name in told]))
    accounts = {(row.platform, row.account) for row in await conn.execute(paid)} if told else set()
    named = await owners(conn, [name for name in told if (name.kind, name.value) not in accounts])
    found = dict.fromkeys([await rightful(conn, who, email), *named])
    return [other for other in found if other != who]


async def rightful(conn: AsyncConnection, contact: str, email: str | None) -> str:
    """Whose address this is: the contact's own, unless somebody else has it already."""
    known = await owners(conn, [Identity(kind="email", value=email.lower())]) if email else []
    return known[0] if known else contact


def _has_acted(journey: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a journey has done something, or may have, beside telling the team what it waits for."""
    return exists().where(
        effects.c.journey_id == journey,
        effects.c.step != "journey",
        effects.c.status.in_(HAS_ACTED),
    )


async def _repeats(conn: AsyncConnection, one: str, other: str) -> bool:
    """Whether a journey of the one is about to do what a journey of the other did."""
    begun, known = journeys.alias(), journeys.alias()
    query = select(begun.c.id).where(
        begun.c.subject_id == one,
        begun.c.contact_id == one,
        begun.c.ended_at.is_(None),
        ~_has_acted(begun.c.id),
        known.c.subject_id == other,
        known.c.contact_id == other,
        known.c.playbook == begun.c.playbook,
        _has_acted(known.c.id),
    )
    return (await conn.execute(query.limit(1))).first() is not None


async def merge(conn: AsyncConnection, lost: str, kept: str) -> None:
    """All that is `lost`'s is `kept`'s from now on. Whoever opted out or left by one name has done so by all of them.

    A journey of `lost` that has done something goes on, for `kept`. One that has not ends; what began it is told again,
    to `kept`, so that their own journeys hear it, and the rules of entry decide. Once more, it takes along what was
    written for `lost` meanwhile."""
    both = select(contacts).where(contacts.c.id.in_((lost, kept))).order_by(contacts.c.id).with_for_update()
    rows = {row.id: row for row in await conn.execute(both)}
    if len(rows) < 2:
        return  # one was erased meanwhile: nothing is left to bring together
    await _keep_facts(conn, rows[lost], rows[kept])
    await _tell_again(conn, lost, kept)
    await _move_referrals(conn, lost, kept, again=rows[lost].merged_into is not None)
    await _move_journeys(conn, lost, kept)
    await _move_money(conn, lost, kept)
    await _move_the_rest(conn, lost, kept)


async def _keep_facts(conn: AsyncConnection, lost: Row[Any], kept: Row[Any]) -> None:
    """What was known of the one alone is known of both; the one is left without a word of it."""
    missing = {name for name in (*_FACTS, "opted_out_at", "churned_at") if getattr(kept, name) is None}
    learned = {name: value for name in missing if (value := getattr(lost, name)) is not None}
    if kept.tier == "none":
        learned["tier"] = lost.tier
    learned["attributes"] = lost.attributes | kept.attributes
    await conn.execute(update(contacts).where(contacts.c.id == kept.id).values(learned))
    bare = {**dict.fromkeys(_FACTS, null()), "attributes": {}, "merged_into": kept.id}
    await conn.execute(update(contacts).where(contacts.c.id == lost.id).values(bare))
    await conn.execute(update(contacts).where(contacts.c.merged_into == lost.id).values(merged_into=kept.id))


async def _tell_again(conn: AsyncConnection, lost: str, kept: str) -> None:
    """Ends the journeys that have done nothing yet, and tells `kept` what began them."""
    mine = (journeys.c.subject_id == lost) & (journeys.c.contact_id == lost) & journeys.c.ended_at.is_(None)
    query = select(inbox, journeys.c.id.label("journey")).join(journeys, journeys.c.event_id == inbox.c.id)
    for event in (await conn.execute(query.where(mine, ~_has_acted(journeys.c.id)))).all():
        again = insert(inbox).values(
            id=new_id("e"),
            source="ovation",
            source_id=f"merged:{event.id}",
            type=event.type,
            contact_id=kept,
            at=event.at,
            data=event.data,
        )
        await conn.execute(again.on_conflict_do_nothing(index_elements=["source", "source_id"]))
        taken_over = {"handed_at": func.coalesce(inbox.c.handed_at, now())}
        await conn.execute(update(inbox).where(inbox.c.id == event.id).values(taken_over))
        over = {"ended_at": now(), "ended_because": f"{SAME_PERSON} {kept}"}
        over["seen_running_at"] = func.coalesce(journeys.c.seen_running_at, now())
        await conn.execute(update(journeys).where(journeys.c.id == event.journey).values(over))


async def _move_referrals(conn: AsyncConnection, lost: str, kept: str, *, again: bool) -> None:
    """Those they made and those they are the friend of. Of two of the same advocate and friend one counts."""
    theirs = or_(referrals.c.advocate_id == lost, referrals.c.friend_id == lost)
    ordered = select(referrals).where(theirs).order_by(referrals.c.submitted_at, referrals.c.id).with_for_update()
    for row in (await conn.execute(ordered)).all():
        pair = {side: kept if getattr(row, side) == lost else getattr(row, side) for side in _SIDES}
        same = select(referrals).where(*(referrals.c[side] == who for side, who in pair.items()))
        rival = None if pair["friend_id"] is None else (await conn.execute(same.with_for_update())).first()
        if rival is None:
            await conn.execute(update(referrals).where(referrals.c.id == row.id).values(pair))
        elif not again:
            await _count_one(conn, row, rival, pair)


_SIDES = ("advocate_id", "friend_id")


async def _count_one(conn: AsyncConnection, row: Row[Any], rival: Row[Any], pair: dict[str, Any]) -> None:
    """The one that counts is found by both names, and is as old as the older. The other keeps the name that is gone:
    whatever is told of it by its id is the first one's (`store/referral.py`), and nothing is paid for it."""
    counts, other = (row, rival) if await _weight(conn, row) < await _weight(conn, rival) else (rival, row)
    if counts.id == row.id:
        before = {side: getattr(row, side) for side in _SIDES}
        for which, values in ((other, {"friend_id": None}), (counts, pair), (other, before)):
            await conn.execute(update(referrals).where(referrals.c.id == which.id).values(values))
    since = {"submitted_at": min(row.submitted_at, rival.submitted_at)}
    await conn.execute(update(referrals).where(referrals.c.id == counts.id).values(since))
    await conn.execute(update(referrals).where(referrals.c.id == other.id).values(verdict="deny"))
    words = f"the same advocate and friend as {counts.id}, known by other names"
    found = insert(findings).values(referral_id=other.id, rule="counted_twice", weight=DENY, words=words)
    await conn.execute(found.on_conflict_do_nothing())


async def _weight(conn: AsyncConnection, row: Row[Any]) -> tuple[Any, ...]:
    """What is less counts: the one that money was paid for, that a person voided, that is a sale, that is older."""
    money = await money_of(conn, [row.id])
    decided = await decision_on(conn, row.id)
    voided = decided is not None and decided.what == "voided"
    return money is None, not voided, row.closed_at is None, row.submitted_at, row.id


async def _move_journeys(conn: AsyncConnection, lost: str, kept: str) -> None:
    """Where both are in the same playbook, and something was done in both, both go on."""
    mine = journeys.c.subject_id == lost
    other = journeys.alias()
    theirs = exists().where(
        other.c.playbook == journeys.c.playbook, other.c.subject_id == kept, other.c.ended_at.is_(None)
    )
    may = or_(journeys.c.ended_at.is_not(None) & ~_told_again(), journeys.c.ended_at.is_(None) & ~theirs)
    await conn.execute(update(journeys).where(mine, may).values(subject_id=kept))
    await conn.execute(update(journeys).where(journeys.c.contact_id == lost).values(contact_id=kept))


def _told_again() -> ColumnElement[bool]:
    """One that ended because it begins again is no time they have been through its playbook."""
    return func.coalesce(journeys.c.ended_because, "").startswith(SAME_PERSON)


async def _move_money(conn: AsyncConnection, lost: str, kept: str) -> None:
    """Rewards, and accounts where `kept` has none. A reward keeps its id: the payer may know it."""
    other, account = rewards.alias(), payees.alias()
    same = exists().where(
        other.c.referral_id == rewards.c.referral_id, other.c.rule == rewards.c.rule, other.c.beneficiary_id == kept
    )
    await conn.execute(update(rewards).where(rewards.c.beneficiary_id == lost, ~same).values(beneficiary_id=kept))
    has_one = exists().where(account.c.contact_id == kept, account.c.platform == payees.c.platform)
    await conn.execute(update(payees).where(payees.c.contact_id == lost, ~has_one).values(contact_id=kept))


async def _move_the_rest(conn: AsyncConnection, lost: str, kept: str) -> None:
    for table in (identities, inbox, entries, effects):
        await conn.execute(update(table).where(table.c.contact_id == lost).values(contact_id=kept))
    for side in _SIDES:
        await conn.execute(update(touches).where(touches.c[side] == lost).values({side: kept}))
    other = codes.alias()
    has_one = exists().where(other.c.contact_id == kept, other.c.kind == "referral")
    mine = (codes.c.contact_id == lost) & or_(codes.c.kind == "qr", ~has_one)
    await conn.execute(update(codes).where(mine).values(contact_id=kept))
