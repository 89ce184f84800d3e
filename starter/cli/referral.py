"""`ovation referral …`: who was referred by whom, what the fraud rules found, and a person's decision about it."""

import getpass
from typing import Annotated, Any

import typer

from models.journey import Intervention, referral_workflow_id
from models.money import Money
from starter.cli import names
from starter.cli.console import Json, answer, database, out, run, stop, table, temporal, when
from starter.cli.names import By, Limit, Reason
from starter.cli.steering import update
from store.attribution import reattribute
from store.identity import find_contact
from store.referral import all_referrals, read
from store.screening import decisions_about, disputes, evidence

app = typer.Typer(no_args_is_help=True, help="See and decide about referrals.")

Referral = Annotated[str, typer.Argument(help="A referral (r_…), as `ovation referral list` shows it.")]


@app.command("list")
def list_referrals(
    review: Annotated[bool, typer.Option("--review", help="Only those that a person has to look at.")] = False,
    limit: Limit = 50,
    as_json: Json = False,
) -> None:
    """Lists referrals, the newest first.

    Example: ovation referral list --review"""
    found = run(_list(review, limit))
    shown = table("referral", "by", "status", "verdict", "worth", whole=("referral",))
    for one in found:
        shown.add_row(*(str(one[name] or "") for name in ("referral", "how", "status", "verdict", "worth")))
    answer(as_json, found, shown if found else "no referrals")


async def _list(review: bool, limit: int) -> list[dict[str, Any]]:
    async with database() as engine:
        rows = await all_referrals(engine, "hold" if review else None, limit)
    return [_told(row) for row in rows]


def _told(row: Any) -> dict[str, Any]:
    worth = None if row.amount_minor is None else str(Money(minor=row.amount_minor, currency=row.currency))
    return {
        "referral": row.id,
        "advocate": row.advocate_id,
        "friend": row.friend_id,
        "how": row.how,
        "status": row.status,
        "verdict": row.verdict,
        "worth": worth,
        "refunded": row.refunded_minor,
        "submitted_at": row.submitted_at,
        "closed_at": row.closed_at,
    }


@app.command()
def show(referral: Referral, as_json: Json = False) -> None:
    """Shows one referral with its evidence, its decisions, and who else claims the friend.

    Example: ovation referral show r_7hk2q9"""
    found = run(_show(referral))
    if as_json:
        answer(True, found)
        return
    for name, value in found.items():
        if not isinstance(value, list):
            words = when(value) if hasattr(value, "strftime") else value or ""
            out.print(f"{name.replace('_', ' '):13} {words}", soft_wrap=True)
    for name in ("evidence", "decisions", "disputes"):
        out.print(f"\n{name}")
        for line in found[name] or ["none"]:
            out.print(f"  {line}", soft_wrap=True)


async def _show(referral: str) -> dict[str, Any]:
    async with database() as engine:
        row = await read(engine, referral)
        if row is None:
            raise LookupError(f"there is no referral {referral}")
        found = await evidence(engine, referral)
        return {
            **_told(row),
            "evidence": [f"{f.rule.replace('_', ' ')} ({f.weight}): {f.words}" for f in found],
            "decisions": [
                f"{when(d.at)} {d.what} by {d.by}: {d.reason}" for d in await decisions_about(engine, referral)
            ],
            "disputes": [f"{when(t.at)} {t.advocate_id} by {t.how}" for t in await disputes(engine, row.friend_id)],
        }


@app.command()
def approve(referral: Referral, reason: Reason, by: By = "", as_json: Json = False) -> None:
    """Lets a referral pass that the fraud rules hold.

    Example: ovation referral approve r_7hk2q9 --reason "checked by hand" """
    answer(as_json, {"done": run(_decide("approve", referral, reason, by))}, f"approved: {referral}")


@app.command()
def void(referral: Referral, reason: Reason, by: By = "", as_json: Json = False) -> None:
    """Refuses a referral that waits for review: nothing is paid for it.

    Example: ovation referral void r_7hk2q9 --reason "against the program's terms" """
    answer(as_json, {"done": run(_decide("void", referral, reason, by))}, f"voided: {referral}")


async def _decide(command: str, referral: str, reason: str, by: str) -> str:
    said = Intervention(step="journey/qualify", reason=reason, by=by or getpass.getuser())
    return await update(await temporal(), referral_workflow_id(referral), command, said)


@app.command()
def attribute(
    referral: Referral,
    to: Annotated[str, typer.Option(callback=names.person, help=f"The advocate: {names.PERSON}.")],
    reason: Reason,
    by: By = "",
    as_json: Json = False,
) -> None:
    """Overrules who a referral belongs to. The first touch stays on record.

    Example: ovation referral attribute r_7hk2q9 --to ada@example.com --reason "settled with sales" """
    run(_attribute(referral, to, reason, by or getpass.getuser()))
    answer(as_json, {"done": referral}, f"{referral} belongs to {to} now")


async def _attribute(referral: str, to: str, reason: str, by: str) -> None:
    async with database() as engine:
        advocate = await find_contact(engine, to)
        if advocate is None:
            raise LookupError(f"nobody is known as {to}")
        try:
            await reattribute(engine, referral, advocate.id, by, reason)
        except ValueError as error:
            stop(f"not done: {error}")
