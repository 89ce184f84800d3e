"""`ovation doctor`: what is configured, what answers, what is missing; with the setting to change."""

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlsplit

import typer
from sqlalchemy.exc import SQLAlchemyError
from temporalio.api.workflowservice.v1 import DescribeWorkerDeploymentRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from authoring.mistakes import Mistakes
from authoring.shelf import load
from models.settings import Settings
from platforms import configured
from platforms.base import Platform, PlatformSettings
from platforms.errors import VendorError
from platforms.runner import Runner
from starter.cli.console import Json, answer, run, settings, stop, table, temporal
from store.database import connect
from store.inbox import strays_seen, waiting_count
from store.migrate import is_current

Mark = Literal["ok", "missing", "broken", "note"]

LONG = 32
"""Characters of a key that nobody guesses."""
DEPLOYMENT = "ovation"
"""The name under which the worker joins Temporal's worker versioning."""


@dataclass(frozen=True)
class Finding:
    what: str
    mark: Mark
    words: str
    needed: bool = True


def doctor(
    platform: Annotated[str, typer.Option(help="Only this platform.")] = "",
    offline: Annotated[bool, typer.Option("--offline", help="No calls to vendors.")] = False,
    as_json: Json = False,
) -> None:
    """Checks the configuration, the database, Temporal, and each platform's credentials by a harmless real call.

    Example: ovation doctor --platform hubspot"""
    here = settings()
    if platform and platform not in configured():
        stop(f"no platform {platform!r}; see `ovation platform list`", 2)
    found = run(_examine(here, platform, offline))
    shown = table("", "what", "")
    for one in found:
        shown.add_row({"ok": "ok", "missing": "--", "broken": "!!", "note": "  "}[one.mark], one.what, one.words)
    answer(as_json, [vars(one) for one in found], shown)
    if any(one.needed and one.mark in ("missing", "broken") for one in found):
        raise typer.Exit(1)


async def _examine(here: Settings, only: str, offline: bool) -> list[Finding]:
    found = [] if only else [*_files(here), *_keys(here), *await _database(here), *await _temporal(here)]
    bound = _bound(here)
    runner = Runner()
    try:
        for name, (declared, its) in configured().items():
            if only in ("", name):
                found += await _platform(declared, its, runner, bool(only) or name in bound, offline)
    finally:
        await runner.close()
    return found


def _bound(here: Settings) -> set[str]:
    """The platforms that the program needs."""
    try:
        return {name for names in load(here).program.platforms.values() for name in names}
    except Mistakes:
        return set()


def _files(here: Settings) -> list[Finding]:
    try:
        shelf = load(here)
    except Mistakes as mistakes:
        return [Finding("playbooks", "broken", str(mistakes))]
    return [Finding("playbooks", "ok", f"{here.program} and {len(shelf.playbooks)} in {here.playbooks}")]


def _keys(here: Settings) -> list[Finding]:
    found = []
    for name, value, why in (
        ("OVATION_SECRET_KEYS", here.secret_keys, "signs the links people get"),
        ("OVATION_API_KEYS", here.api_keys, "lets other services report events"),
    ):
        found.append(Finding(name, "ok" if value else "missing", "set" if value else f"to be set: it {why}"))
    if here.secret_keys and len(here.secret_keys[0]) < LONG and not _on_this_machine(here.public_url):
        words = f"the newest has fewer than {LONG} characters: whoever guesses it makes links that we believe"
        found.append(Finding("OVATION_SECRET_KEYS", "note", f"{words}. Put a long random text before it", False))
    return found


def _on_this_machine(url: str) -> bool:
    """Whether an address is one that only this machine reaches."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def _database(here: Settings) -> list[Finding]:
    if not here.database_url:
        return [Finding("database", "missing", "set OVATION_DATABASE_URL, or run `ovation up`")]
    engine = connect(here.database_url, pool_size=1)
    try:
        if not await is_current(engine):
            return [
                Finding("database", "broken", "the schema is not the one this version needs: run `ovation migrate`")
            ]
        waiting, strays = await waiting_count(engine), await strays_seen(engine)
    except (SQLAlchemyError, OSError) as error:
        return [Finding("database", "broken", f"no answer: {str(error).splitlines()[0]}")]
    finally:
        await engine.dispose()
    found = [Finding("database", "ok", f"{waiting} accepted events on their way")]
    return found + [
        Finding(f"{p} webhooks", "note", f"{n} × {name!r}, which nobody listed", False) for p, name, n in strays
    ]


async def _temporal(here: Settings) -> list[Finding]:
    try:
        client = await temporal()
        await client.service_client.check_health()
    except LookupError as error:
        return [Finding("Temporal", "missing", str(error))]
    except RuntimeError as error:
        return [Finding("Temporal", "broken", f"no answer (TEMPORAL_ADDRESS): {str(error)[:120]}")]
    found = Finding("Temporal", "ok", f"{client.service_client.config.target_host}, namespace {client.namespace}")
    return [found] if here.build_id is None else [found, await _versions(client, here.build_id)]


async def _versions(client: Client, build_id: str) -> Finding:
    """Whether the workers of a build are given journeys."""
    ask = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=DEPLOYMENT)
    current = ""
    try:
        answer = await client.workflow_service.describe_worker_deployment(ask, timeout=timedelta(seconds=5))
        current = answer.worker_deployment_info.routing_config.current_deployment_version.build_id
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            words = f"Temporal does not tell which build is current ({error.status.name}): look in its UI"
            return Finding("OVATION_BUILD_ID", "note", words, False)
    if not current:
        words = f"no build of the deployment {DEPLOYMENT!r} is current, so no journey goes on"
        how = f"start the workers of {build_id!r}, then make it current: docs/operators.md, Upgrades"
        return Finding("OVATION_BUILD_ID", "missing", f"{words}: {how}")
    if current != build_id:
        return Finding("OVATION_BUILD_ID", "note", f"set to {build_id!r}; journeys are given to {current!r}", False)
    return Finding("OVATION_BUILD_ID", "ok", f"{build_id!r} is current")


async def _platform(
    platform: Platform, its: PlatformSettings, runner: Runner, needed: bool, offline: bool
) -> list[Finding]:
    found = []
    if platform.discontinued:
        found.append(Finding(platform.name, "note", platform.discontinued, False))
    if platform.inbound is not None and (unset := its.missing(its.required_in)):
        found.append(Finding(f"{platform.name} webhooks", "missing", f"set {', '.join(unset)}", False))
    if not platform.actions and not its.required:
        return found
    if unset := its.missing():
        return [*found, Finding(platform.name, "missing", f"set {', '.join(unset)}", needed)]
    if offline:
        return [*found, Finding(platform.name, "ok", "configured; not called", needed)]
    try:
        receipt = await runner.hold(platform, its, platform.doctor(its))
    except VendorError as error:
        return [*found, Finding(platform.name, "broken", f"{error.kind}: {error}", needed)]
    facts = ", ".join(f"{k} {v}" for k, v in receipt.facts.items())
    return [*found, Finding(platform.name, "ok", f"answers at {its.base_url}. {facts}".strip(), needed)]
