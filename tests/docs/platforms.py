"""The platforms, from their declarations: actions with guarantees, events, limits, settings, jobs; and what is proved.

Prevents a page that promises what a vendor's folder no longer does.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pydantic_core import PydanticUndefined

from platforms import all_platforms
from platforms.base import IGNORED, Action, Findable, Idempotent, Platform, PlatformSettings
from platforms.capabilities import CAPABILITIES
from tests.docs.pages import listed, table
from tests.docs.samples import events_of


def overview() -> str:
    """A row for each platform."""
    rows = [
        (
            f"[{platform.label}](#{anchor(platform.label)})",
            f"`{name}`",
            listed(c for c, wanted in CAPABILITIES.items() if platform.can(wanted)),
            "webhooks" if platform.inbound else "–",
            "yes" if platform.upkeep else "–",
            f"{platform.limit:g}",
        )
        for name, platform in all_platforms().items()
    ]
    return table(("platform", "name", "can be bound to", "tells us by", "is looked after", "actions a second"), *rows)


def capabilities() -> str:
    """Which platforms can be bound to which capability in program.yaml."""
    rows = [
        (f"`{name}`", ", ".join(f"`{kind.__name__}`" for kind in kinds), listed(_able(kinds)))
        for name, kinds in CAPABILITIES.items()
    ]
    return table(("capability", "asks for", "bind it to"), *rows)


def _able(kinds: Any) -> list[str]:
    return [name for name, platform in all_platforms().items() if platform.can(kinds)]


def sections() -> str:
    """A section for each platform."""
    return "\n\n".join("\n\n".join(_section(platform)) for platform in all_platforms().values())


def _section(platform: Platform) -> Iterator[str]:
    yield f"### {platform.label}"
    another = variable(platform.settings, "rate_limit")
    limit = f"At most {platform.limit:g} actions a second; `{another}` sets another limit."
    yield f"[Set up, quirks and sources](../platforms/{platform.name}/README.md). {limit}"
    if platform.discontinued:
        yield f"**Discontinued** {platform.discontinued}."
    if platform.actions:
        yield table(("action", "after a lost answer", "how"), *(_action(action) for action in platform.actions))
    yield from _events(platform)
    if platform.upkeep:
        yield table(
            ("job", "runs every", "what it does"),
            *((f"`{job.name}`", span(job.every), job.what) for job in platform.upkeep),
        )
    yield "Settings: " + "; ".join(settings_of(platform.settings)) + "."


def _action(action: Action) -> tuple[str, str, str]:
    return f"`{action.takes.__name__}`", guarantee(action), action.repeat.how or "–"


def guarantee(action: Action) -> str:
    """What the vendor makes of a repeat, as the ledger acts on it."""
    repeat = action.repeat
    if isinstance(repeat, Findable):
        return f"**findable**: looked up after {span(repeat.after)}, then repeated if it is not there"
    if isinstance(repeat, Idempotent):
        if repeat.within is None:
            return "**idempotent**: repeated"
        then = "looked up" if repeat.find else "a person decides"
        return f"**idempotent** for {span(repeat.within)}: repeated; later {then}"
    return "**unsafe**: never repeated, a person decides"


def doubts() -> str:
    """The actions about which only a person can decide, and where they look."""
    rows = [
        (platform.label, f"`{action.takes.__name__}`", action.repeat.how)
        for platform in all_platforms().values()
        for action in platform.actions
        if getattr(action.repeat, "find", None) is None and getattr(action.repeat, "within", True) is not None
    ]
    return table(("platform", "action", "where to look"), *rows)


def _events(platform: Platform) -> Iterator[str]:
    if platform.inbound is None:
        return
    told = events_of(platform.name)
    if told:
        yield table(("the vendor's event", "becomes"), *((f"`{name}`", ours) for name, ours in told.items()))
    ignored = sum(read is IGNORED for read in platform.inbound.events.values())
    if ignored:
        yield f"Known and ignored: {ignored} more. Whatever else comes is kept, and shown by `ovation doctor`."


def settings_of(kind: type[PlatformSettings]) -> Iterator[str]:
    """Each variable, with what it is needed for or what it is by default."""
    for name, info in kind.model_fields.items():
        if name == "webhook_secret" and name not in kind.required_in and not kind.verified_by:
            continue
        if name != "rate_limit":
            yield f"`{variable(kind, name)}` ({_need(kind, name) or _default(info)})"


def _need(kind: type[PlatformSettings], name: str) -> str:
    if name == "webhook_secret" and kind.verified_by:
        return f"does to receive as well as `{variable(kind, kind.verified_by)}`, and comes before it"
    needs = [word for word, names in (("to send", kind.required), ("to receive", kind.required_in)) if name in names]
    return f"needed {' and '.join(needs)}" if needs else ""


def _default(info: Any) -> str:
    if info.default in (None, "", PydanticUndefined):
        return "optional"
    if isinstance(info.default, dict | list):
        return "optional; see its page"
    return f"`{str(info.default).lower() if isinstance(info.default, bool) else info.default}`"


def variable(kind: type[PlatformSettings], field: str) -> str:
    return f"{kind.model_config.get('env_prefix')}{field.upper()}"


def span(length: timedelta) -> str:
    """A length of time in its largest whole unit: `23 hours`, `1 day`."""
    seconds = int(length.total_seconds())
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}{'s' * (seconds != size)}"
    return f"{seconds} second{'s' * (seconds != 1)}"


def anchor(heading: str) -> str:
    """The fragment by which a heading is linked to."""
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in " -_")
    return kept.replace(" ", "-")
