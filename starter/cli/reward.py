"""`ovation reward …`: what is owed, what was paid, and why. Decisions are kept with a name and a reason."""

import getpass
from typing import Annotated, Any

import typer

from models.journey import Intervention, referral_workflow_id
from models.money import Money
from starter.cli import names
from starter.cli.console import Json, answer, database, run, table, temporal, when
from starter.cli.names import By, Reason
from starter.cli.steering import update
from store.identity import find_contact
from store.payout import rewards_of
from store.reward import one as one_reward
from store.screening import decisions_about, evidence

app = typer.Typer(no_args_is_help=True, help="See and decide about rewards.")

Reward = Annotated[str, typer.Argument(help="A reward (w_…), as `ovation reward list` shows it.")]


@app.command("list")
def list_rewards(
    contact: Annotated[
        str, typer.Option(callback=names.person_if_any, help=f"Only this person's: {names.PERSON}.")
    ] = "",
    why: Annotated[bool, typer.Option("--why", help="With the evidence and the decisions behind each.")] = False,
    as_json: Json = False,
) -> None:
    """Lists rewards, newest first: owed, waiting, paid, voided, taken back.

    Example: ovation reward list --why"""
    found = run(_list(contact, why))
    last = "why" if why else "reason"
    shown = table("reward", "for", "amount", "left", "status", last, whole=("reward", "for"))
    for row in found:
        reasons = "\n".join(row["why"]) if why else row["reason"]
        shown.add_row(row["reward"], row["referral"], row["amount"], row["balance"], row["status"], reasons)
    answer(as_json, found, shown if found else "no rewards")


async def _list(contact: str, why: bool) -> list[dict[str, Any]]:
    async with database() as engine:
        known = await find_contact(engine, contact) if contact else None
        if contact and known is None:
            raise LookupError(f"nobody is known as {contact}")
        rows = await rewards_of(engine, None if known is None else known.id)
        found = []
        for row in rows:
            told = {
                "reward": row.id,
                "referral": row.referral_id,
                "rule": row.rule,
                "beneficiary": row.beneficiary_id,
                "amount": str(Money(minor=row.amount_minor, currency=row.currency)),
                "balance": str(Money(minor=row.balance, currency=row.currency)),
                "wallet": row.wallet,
                "status": row.status,
                "reason": row.reason or "",
                "payment": row.payment,
                "paid_at": row.paid_at,
            }
            if why:
                told["why"] = await _why(engine, row)
            found.append(told)
        return found


async def _why(engine: Any, row: Any) -> list[str]:
    """From recorded facts: what the rules found, what people decided, what it waits for."""
    words = [f"{f.rule.replace('_', ' ')} ({f.weight}): {f.words}" for f in await evidence(engine, row.referral_id)]
    for about in (row.referral_id, row.id):
        made = await decisions_about(engine, about)
        words += [f"{when(d.at)} {d.what} by {d.by}: {d.reason}" for d in made]
    words += [row.reason] if row.reason else []
    words += [f"paid {when(row.paid_at)} as {row.payment}"] if row.paid_at else []
    return words or ["nothing speaks against it"]


@app.command()
def approve(reward: Reward, reason: Reason, by: By = "", as_json: Json = False) -> None:
    """Approves a reward that waits for a person; it is paid at once if nothing else stands in its way.

    Example: ovation reward approve w_1f2e --reason "checked the contract" """
    answer(as_json, {"done": run(_decide("approve", reward, reason, by))}, f"approved: {reward}")


@app.command()
def void(reward: Reward, reason: Reason, by: By = "", as_json: Json = False) -> None:
    """Refuses a reward that was not paid yet: it never will be.

    Example: ovation reward void w_1f2e --reason "against the program's terms" """
    answer(as_json, {"done": run(_decide("void", reward, reason, by))}, f"voided: {reward}")


async def _decide(command: str, reward: str, reason: str, by: str) -> str:
    async with database() as engine:
        row = await one_reward(engine, reward)
    if row is None:
        raise LookupError(f"there is no reward {reward}: `ovation reward list` shows those there are")
    if row.status == "paid":
        raise LookupError(f"{reward} was paid on {when(row.paid_at)}: a refund takes it back, a decision cannot")
    if row.effect_key is None:
        raise LookupError(f"{reward} is not owed any more: {row.reason}")
    said = Intervention(step=row.effect_key.partition("/")[2], reason=reason, by=by or getpass.getuser())
    return await update(await temporal(), referral_workflow_id(row.referral_id), command, said)
