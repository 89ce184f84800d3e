"""`ovation platform …`: what each platform can do here, where its webhooks go, and how a new one begins."""

from typing import Annotated, Any

import typer
from httpx import URL
from pydantic import SecretStr

from activities.upkeep import secret_name
from models.links import Links
from platforms import configured
from platforms.base import Findable, Idempotent, Inbound, Platform, PlatformSettings, reveal
from platforms.capabilities import CAPABILITIES
from starter.cli import platform_new
from starter.cli.console import Json, answer, database, err, run, settings, stop, table
from starter.cli.trouble import NOT_DONE, WRONG_USE
from store.tokens import TokenVault

app = typer.Typer(no_args_is_help=True, help="The vendors' products that are connected.")


@app.command("list")
def list_platforms(as_json: Json = False) -> None:
    """Lists every platform: what it can be asked to do, whether it tells us something, what is still to be set.

    Example: ovation platform list"""
    settings()
    found = []
    shown = table("platform", "does", "tells us", "still to be set", whole=("platform", "still to be set"))
    for name, (platform, its) in configured().items():
        missing = its.missing() + (its.missing(its.required_in) if platform.inbound is not None else [])
        one = {
            "platform": name,
            "capabilities": [capability for capability, wanted in CAPABILITIES.items() if platform.can(wanted)],
            "actions": {action.takes.__name__: _guarantee(action.repeat) for action in platform.actions},
            "events": sorted(platform.inbound.events) if platform.inbound is not None else [],
            "missing": missing,
            "discontinued": platform.discontinued,
        }
        found.append(one)
        shown.add_row(name, ", ".join(one["capabilities"]), _tells(platform), "\n".join(missing))  # type: ignore[arg-type]
    answer(as_json, found, shown)


@app.command("new")
def new(
    name: Annotated[str, typer.Argument(help="The vendor's product in small letters, like google_sheets.")],
    label: Annotated[str, typer.Option(help="As people write it; made from the name, unless said.")] = "",
    can: Annotated[list[str] | None, typer.Option(help="A capability, like leads; as often as it has some.")] = None,
    as_json: Json = False,
) -> None:
    """Writes a vendor's folder whose tests fail one by one, each saying what to write next.

    Example: ovation platform new pigeon_post --can texts"""
    try:
        folder = platform_new.write(name, label, can or [])
    except ValueError as error:
        stop(str(error), WRONG_USE)
    contract, out = (
        f"pytest -x tests/platforms/{file} -k {name}" for file in ("test_contract.py", "test_contract_out.py")
    )
    answer(
        as_json,
        {"folder": str(folder), "next": [contract, out]},
        f"wrote {folder}\nnext, until nothing fails any more, each failure saying what to write:\n  {contract}\n"
        f"then, what it does at its double:\n  {out}",
    )


@app.command("webhook")
def webhook(
    name: Annotated[str, typer.Argument(help="Whose webhook, like notion.")],
    secret: Annotated[bool, typer.Option("--secret", help="Show the secret, for a page that asks for it.")] = False,
    as_json: Json = False,
) -> None:
    """Shows the address to register at the vendor, and whether the secret that verifies its webhooks is known.

    Example: ovation platform webhook notion --secret"""
    settings()
    found = configured().get(name)
    if found is None or found[0].inbound is None:
        stop(f"no platform {name!r} sends webhooks; see `ovation platform list`", WRONG_USE)
    told = run(_webhook(found[0], found[0].inbound, found[1], secret))
    shown = (f"{what:11} {value}" for what, value in told.items())
    answer(as_json, {key.replace(" ", "_"): value for key, value in told.items()}, "\n".join(shown))
    if secret and "secret" not in told:
        err.print("no secret of its own is known: what verifies its webhooks is in the settings", soft_wrap=True)
        raise typer.Exit(NOT_DONE)


async def _webhook(platform: Platform, inbound: Inbound, its: PlatformSettings, show: bool) -> dict[str, Any]:
    here = settings()
    links = Links(here.public_url.rstrip("/"), here.required_secrets())
    kept = "" if its.webhook_secret else await _kept(platform.name, here.required_secrets())
    own = its.model_copy(update={"webhook_secret": SecretStr(kept)}) if kept else its
    query = inbound.sign_query(own) if inbound.sign_query is not None else {}
    address = URL(links.hook(platform.name)).copy_merge_params(query if show else dict.fromkeys(query, "SECRET"))
    told = {
        "address": str(address),
        "verified by": _verified_by(own, kept),
        "kept up by": f"\n{'':12}".join(f"{job.name}: {job.what}" for job in platform.upkeep),
    }
    known = reveal(own.webhook_secret)
    return told | ({"secret": known} if show and known else {})


def _verified_by(own: PlatformSettings, kept: str) -> str:
    unset = own.missing(own.required_in)
    if unset:
        return f"nothing yet, so none is believed: set {', '.join(unset)}"
    if kept:
        return "the secret that the vendor gave us, kept sealed"
    prefix = own.model_config.get("env_prefix") or ""
    names = ("webhook_secret",) if own.verified_by and own.webhook_secret else own.required_in
    return ", ".join(f"{prefix}{name.upper()}" for name in names) or "what its README says"


async def _kept(name: str, secrets: list[str]) -> str:
    """The secret or verification token that the vendor gave us; empty when it gave none."""
    async with database() as engine:
        token = await TokenVault(engine, secrets).get(secret_name(name))
    return "" if token is None else token.value


def _guarantee(repeat: object) -> str:
    return "idempotent" if isinstance(repeat, Idempotent) else "findable" if isinstance(repeat, Findable) else "unsafe"


def _tells(platform: Platform) -> str:
    return "webhooks" if platform.inbound is not None else ""
