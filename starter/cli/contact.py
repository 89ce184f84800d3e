"""`ovation contact …`: what is on record about a person, for them to read; and all of it erased, when they ask.

The failure prevented: an erasure that a running journey outlives, and contacts again whom it erased.
"""

import asyncio
import getpass
from dataclasses import asdict
from typing import Annotated, Any

import typer
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from models.journey import Intervention
from starter.cli.console import Json, answer, database, err, run, stop, temporal, when
from starter.cli.names import Contact, Reason
from starter.cli.steering import NoAnswer, update
from starter.cli.trouble import NOT_DONE, WRONG_USE
from store import erasure
from store.erasure import Receipt, StillAtWork
from store.holdings import everything

app = typer.Typer(no_args_is_help=True, help="Privacy: what is on record about a person, and its end.")

PATIENCE = 90.0
"""Seconds. Longer than a call to a vendor can last."""


@app.command("export")
def export(contact: Contact, as_json: Json = False) -> None:
    """Prints everything on record about a person, as JSON (with or without --json); others in it by their ids only.

    Example: ovation contact export ada@example.com > ada.json"""
    answer(True, run(_export(contact)))


async def _export(contact: str) -> dict[str, Any]:
    async with database() as engine:
        return dict(await everything(engine, contact))


@app.command("erase")
def erase(
    contact: Contact,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    reason: Reason = "they asked for it",
    by: Annotated[str, typer.Option(help="Who erases; whoever is signed in, unless said.")] = "",
    as_json: Json = False,
) -> None:
    """Erases a person: ends their journeys, and takes names, addresses and words off the record. Ids and amounts stay.

    Example: ovation contact erase ada@example.com --yes"""
    if not yes and (as_json or not typer.confirm(f"Erase {contact}? There is no way back", err=True)):
        stop("nothing was erased: confirm, or say --yes", WRONG_USE if as_json else NOT_DONE)
    receipt, ended = run(_erase(contact, by or getpass.getuser(), reason))
    answer(as_json, {**asdict(receipt), "ended": ended}, _in_words(receipt, ended))


async def _erase(contact: str, by: str, reason: str) -> tuple[Receipt, list[str]]:
    async with database() as engine:
        workflows = await erasure.journeys_of(engine, contact)
        ended = await _ended(await temporal(), workflows, by) if workflows else []
        return await _when_quiet(engine, contact, by, reason), ended


async def _ended(client: Client, workflows: list[str], by: str) -> list[str]:
    """The journeys that were still running, and now end. Raises LookupError when no worker takes it in."""
    said = Intervention(reason=erasure.ERASED, by=by)
    ended = []
    for workflow in workflows:
        try:
            await update(client, workflow, "end", said)
            ended.append(workflow)
        except NoAnswer as error:
            raise LookupError(f"{workflow} does not answer, so nothing was erased: does a worker run?") from error
        except LookupError as over:
            err.print(f"{workflow}: {over}", soft_wrap=True)
    return ended


async def _when_quiet(engine: AsyncEngine, contact: str, by: str, reason: str) -> Receipt:
    """Erases as soon as no call is under way that would write its answer back."""
    waited = 0.0
    while True:
        try:
            return await erasure.erase(engine, contact, by, reason)
        except StillAtWork as busy:
            if waited > PATIENCE:
                raise LookupError(f"nothing was erased: {busy}. Try again then") from busy
            await asyncio.sleep(1.0)
            waited += 1.0


def _in_words(receipt: Receipt, ended: list[str]) -> str:
    counted = ", ".join(f"{table} {count}" for table, count in sorted(receipt.erased.items()))
    words = [f"erased {receipt.contact} on {when(receipt.at)} UTC", f"  rows cleared or removed: {counted}"]
    words += [f"  the same person: {', '.join(receipt.also_known_as)}"] if receipt.also_known_as else []
    words += [f"  journeys ended: {', '.join(ended)}"] if ended else []
    words += [f"  rewards that cannot be paid any more: {', '.join(receipt.unpaid)}"] if receipt.unpaid else []
    words += (
        [f"  still known elsewhere, erase them there too: {', '.join(receipt.known_at)}"] if receipt.known_at else []
    )
    return "\n".join(words)
