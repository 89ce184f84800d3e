"""The page to look at: what each vendor was sent, its books, its moves, webhooks and faults. Plain HTML and forms."""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from sandbox.answering import Sandbox, content_of
from sandbox.faults import KINDS, NotAFault
from sandbox.outbox import Entry, readable
from sandbox.vendors import Vendor

REQUESTS, WEBHOOKS, LONGEST = 25, 25, 10_000
"""How many requests a vendor and webhooks in all are shown; how many characters of a body."""
SECONDS = 5
"""Between two looks, where the page is asked to look again by itself."""
POLICY = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


async def page(request: Request) -> Response:
    """`?platform=` shows one vendor, `?refresh=1` looks again every few seconds, `?said=` is what the last act gave."""
    sandbox: Sandbox = request.app.state.sandbox
    only = request.query_params.get("platform")
    shown = [v for name, v in sandbox.vendors.items() if only is None or name == only]
    newest = sandbox.outbox.newest(REQUESTS)
    described = [_described(sandbox, vendor, newest.get(vendor.name, [])) for vendor in shown]
    deliveries = [d for d in reversed(sandbox.webhooks.deliveries) if only is None or d.platform == only]
    refresh = "refresh" in request.query_params
    html = _TEMPLATES.get_template("page.html").render(
        names=list(sandbox.vendors),
        counts=sandbox.outbox.counts,
        only=only,
        busy=[d for d in described if not d["quiet"] or only],
        quiet=[d for d in described if d["quiet"] and not only],
        webhooks=[(d, _pretty(readable(d.body, d.content_type))) for d in deliveries[:WEBHOOKS]],
        faults=sandbox.faults.active,
        kinds=KINDS,
        gateway=sandbox.gateway,
        said=request.query_params.get("said"),
        went_well="well" in request.query_params,
        seconds=SECONDS if refresh else None,
        here=_address(only, refresh),
        turned=_address(only, not refresh),
    )
    return HTMLResponse(html, headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"})


async def act(request: Request) -> Response:
    """The page's forms: `do` is `move`, `fault` or `clear`. Leads back to the page, which says what came of it."""
    sandbox: Sandbox = request.app.state.sandbox
    form = {name: str(value) for name, value in (await request.form()).items()}
    said, well = _done(sandbox, form)
    outcome = urlencode({"said": said[:1000], **({"well": "1"} if well else {})})
    back = _address(form.get("only") or None, refresh=False)
    return RedirectResponse(f"{back}{'&' if '?' in back else '?'}{outcome}", HTTPStatus.SEE_OTHER)


def _done(sandbox: Sandbox, form: dict[str, str]) -> tuple[str, bool]:
    """What came of a form, and whether it went well."""
    match form.get("do"):
        case "move":
            return _moved(sandbox, form)
        case "fault":
            return _fault_set(sandbox, form)
        case "clear":
            sandbox.faults.clear()
            return "No faults are in force.", True
        case other:
            return f"The page knows no act {other!r}.", False


def _moved(sandbox: Sandbox, form: dict[str, str]) -> tuple[str, bool]:
    platform, name = form.get("platform", ""), form.get("name", "")
    vendor = sandbox.vendors.get(platform)
    if vendor is None or name not in vendor.stand_in.moves:
        return f"There is no move {platform}/{name}.", False
    try:
        given = json.loads(form.get("json", "").strip() or "{}")
    except ValueError as error:
        return f"{platform}/{name}: what was given is not JSON: {error}", False
    answer = sandbox.move(vendor, name, given)
    return f"{platform}/{name}: {answer.status} {content_of(answer).decode()}", answer.status < 400


def _fault_set(sandbox: Sandbox, form: dict[str, str]) -> tuple[str, bool]:
    try:
        numbers = {name: int(form[name]) for name in ("count", "after") if form.get(name)}
        fault = sandbox.faults.set({"platform": form.get("platform"), "kind": form.get("kind"), **numbers})
    except NotAFault as error:
        return str(error), False
    except ValueError as error:
        return f"count and after are whole numbers: {error}", False
    return f"{fault.platform} will misbehave: {fault.kind}.", True


def _described(sandbox: Sandbox, vendor: Vendor, entries: list[Entry]) -> dict[str, Any]:
    requests = [(entry, sandbox.outbox.shown(entry)) for entry in entries]
    books = vendor.books.model_dump(mode="json")
    return {
        "name": vendor.name,
        "requests": [(entry, shown, _pretty(shown["body"])) for entry, shown in requests],
        "books": _pretty(books),
        "holds": ", ".join(f"{len(value)} {name}" for name, value in books.items() if isinstance(value, list | dict)),
        "moves": sorted(vendor.stand_in.moves),
        "quiet": not entries and books == vendor.stand_in.books().model_dump(mode="json"),
    }


def _pretty(value: Any) -> str:
    """A body to read, cut where it is very long."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}\n… and {len(text) - LONGEST} characters more"


def _address(only: str | None, refresh: bool) -> str:
    query = {**({"platform": only} if only else {}), **({"refresh": "1"} if refresh else {})}
    return f"/?{urlencode(query)}" if query else "/"
