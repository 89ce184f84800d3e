"""`ovation platform list`: what each platform can do here."""

import typer

from platforms import configured
from platforms.base import Findable, Idempotent, Platform
from platforms.capabilities import CAPABILITIES
from starter.cli.console import Json, answer, settings, table

app = typer.Typer(no_args_is_help=True, help="The vendors' products that are connected.")


@app.command("list")
def list_platforms(as_json: Json = False) -> None:
    """Lists every platform: what it can be asked to do, whether it tells us something, what is still to be set.

    Example: ovation platform list"""
    settings()
    found = []
    shown = table("platform", "does", "tells us", "still to be set")
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


def _guarantee(repeat: object) -> str:
    return "idempotent" if isinstance(repeat, Idempotent) else "findable" if isinstance(repeat, Findable) else "unsafe"


def _tells(platform: Platform) -> str:
    return "webhooks" if platform.inbound is not None else ""
