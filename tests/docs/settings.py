"""The platforms' settings in one table; the product's own are explained by hand, and held to the model by a test.

Prevents a search through two dozen folders for the name of a variable.
"""

from platforms import all_platforms
from tests.docs.pages import table
from tests.docs.platforms import variable


def platform_table() -> str:
    """What each platform needs to send, needs to receive, and may be told."""
    return table(("platform", "needed to send", "needed to receive", "may be set"), *map(_row, all_platforms()))


def _row(name: str) -> tuple[str, ...]:
    kind = all_platforms()[name].settings
    needed = {*kind.required, *kind.required_in, "webhook_secret"}
    inbound = all_platforms()[name].inbound is not None
    may = [field for field in kind.model_fields if field not in needed]
    receive = _variables(name, kind.required_in if inbound else ())
    if kind.verified_by:
        receive += f" or `{variable(kind, 'webhook_secret')}`"
    link = f"[{name}](../platforms/{name}/README.md#settings)"
    return link, _variables(name, kind.required), receive, _variables(name, may)


def _variables(name: str, fields: object) -> str:
    kind = all_platforms()[name].settings
    return " ".join(f"`{variable(kind, field)}`" for field in fields) or "–"  # type: ignore[attr-defined]
