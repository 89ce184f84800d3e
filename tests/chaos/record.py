"""The whole record of a referral, for whoever has to find out why two books differ."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.chaos.books import Books
from tests.chaos.facts import Referral

_REFERRAL = """SELECT r.* FROM referrals r JOIN contacts a ON a.id = r.advocate_id JOIN contacts f ON f.id = r.friend_id
               WHERE a.email = :advocate AND f.email = :friend"""
_QUERIES = {
    "events": """SELECT type, source, at, received_at, handed_at, attempts, data FROM inbox
                 WHERE data->>'referral' = :id ORDER BY position""",
    "findings": "SELECT rule, weight, words FROM findings WHERE referral_id = :id",
    "effects": """SELECT step, effect, status, reason, attempts, claimed_at, settled_at, reference FROM effects
                  WHERE journey_id = :id ORDER BY claimed_at NULLS FIRST""",
    "rewards": """SELECT id, status, reason, amount_minor, currency, payment, at, paid_at FROM rewards
                  WHERE referral_id = :id""",
    "entries": """SELECT e.effect_key, e.amount_minor, e.currency, e.reference, e.at FROM reward_entries e
                  JOIN rewards w ON w.id = e.reward_id WHERE w.referral_id = :id ORDER BY e.at""",
    "payees": """SELECT p.account, p.payable, p.at FROM payees p JOIN referrals r ON r.advocate_id = p.contact_id
                 WHERE r.id = :id""",
}


async def record(engine: AsyncEngine, books: Books, referral: Referral) -> str:
    """The facts, what we know, what we did, and what the payer did."""
    lines = [f"  facts    {referral.advocate} {referral.friend} {referral.currency} {referral.refused}"]
    lines += [f"           {fact}" for fact in referral.facts]
    async with engine.connect() as conn:
        found = await conn.execute(text(_REFERRAL), {"advocate": referral.advocate.email, "friend": referral.friend})
        row = found.first()
        if row is None:
            return "\n".join([*lines, "  there is no such referral on record"])
        lines.append(f"  referral {_shown(row)}")
        for name, query in _QUERIES.items():
            lines += [f"  {name:8} {_shown(one)}" for one in (await conn.execute(text(query), {"id": row.id})).all()]
    reward = books.rewards.get(referral.name)
    for transfer in books.transfers.get(reward.id, []) if reward is not None else []:
        back = [(r["amount"], r["metadata"]) for r in transfer["reversals"]["data"]]
        lines.append(f"  Stripe   {transfer['id']} {transfer['amount']} {transfer['currency']}, reversed {back}")
    return "\n".join(lines)


def _shown(row: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in row._mapping.items() if value not in (None, "", 0))
