"""`ovation webhook send` and `ovation event send`: hand something in, the way a vendor or a service would."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

import platforms as vendors
from platforms.base import Inbound, Platform, PlatformSettings
from starter.cli.console import Json, answer, settings, stop
from starter.cli.trouble import WRONG_USE

webhook = typer.Typer(no_args_is_help=True, help="A vendor's sample webhooks, signed with the configured secret.")
event = typer.Typer(no_args_is_help=True, help="Events of our own.")

FIXTURES = Path(vendors.__file__).parent


@webhook.command("list")
def list_fixtures(as_json: Json = False) -> None:
    """Which sample webhooks there are.

    Example: ovation webhook list"""
    found = {name: [p.name for p in _fixtures(name)] for name in sorted(vendors.all_platforms())}
    found = {name: names for name, names in found.items() if names}
    lines = [f"{name}\n" + "\n".join(f"  {fixture}" for fixture in names) for name, names in found.items()]
    answer(as_json, found, "\n".join(lines))


@webhook.command("send")
def send_webhook(
    platform: Annotated[str, typer.Argument(help="Whose webhook, like wootric.")],
    fixture: Annotated[str, typer.Argument(help="Which sample (see `webhook list`), or a file of your own.")],
    gateway: Annotated[str, typer.Option(help="Where the gateway is.")] = "",
    as_json: Json = False,
) -> None:
    """Posts one of a vendor's sample payloads to the gateway, signed with the configured secret.

    Example: ovation webhook send wootric response_created__promoter"""
    here = settings()
    found = vendors.configured().get(platform)
    if found is None or found[0].inbound is None:
        stop(f"no platform {platform!r} sends webhooks; see `ovation webhook list`", WRONG_USE)
    declared, its = found
    missing = its.missing(its.required_in)
    if missing:
        stop(f"{declared.label} cannot be signed for: set {', '.join(missing)}")
    path = _fixture(platform, fixture)
    base = (gateway or f"http://127.0.0.1:{here.port}").rstrip("/")
    request = signed(declared, its, path.read_bytes(), here.public_url.rstrip("/"), form=path.suffix == ".form")
    _report(_post(base + request.pop("path"), **request), as_json)


def signed(platform: Platform, its: PlatformSettings, body: bytes, public_url: str, *, form: bool) -> dict[str, Any]:
    """What the vendor would send: `path` with its query, `headers`, `content`. The signature covers the public URL."""
    inbound: Inbound | None = platform.inbound
    assert inbound is not None
    query = inbound.sign_query(its) if inbound.sign_query is not None else {}
    path = str(httpx.URL(f"/webhooks/{platform.name}", params=query)) if query else f"/webhooks/{platform.name}"
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    headers = inbound.sign(body, its, f"{public_url}{path}", datetime.now(UTC))
    return {"path": path, "headers": {"Content-Type": kind, **headers}, "content": body}


@event.command("send")
def send_event(
    file: Annotated[
        Path, typer.Argument(help="CloudEvents: one, an array, or one a line.", exists=True, dir_okay=False)
    ],
    gateway: Annotated[str, typer.Option(help="Where the gateway is.")] = "",
    as_json: Json = False,
) -> None:
    """Hands events in, and says what became of each.

    Example: ovation event send conversions.json"""
    here = settings()
    if not here.api_keys:
        stop("set OVATION_API_KEYS to a key the gateway knows")
    base = (gateway or f"http://127.0.0.1:{here.port}").rstrip("/")
    events = _events(file)
    headers = {"Authorization": f"Bearer {here.api_keys[0]}"}
    became: list[dict[str, Any]] = []
    for start in range(0, len(events), 500):
        reply = _post(f"{base}/events", json=events[start : start + 500], headers=headers)
        if reply.status_code not in (202, 422):
            _report(reply, as_json)
        became += reply.json()["events"]
    answer(as_json, {"events": became}, "\n".join(_line(one) for one in became))
    if any(one["became"] == "refused" for one in became):
        raise typer.Exit(1)


def _line(one: dict[str, Any]) -> str:
    """What became of an event, and why it was refused or will not be heard."""
    words = (f"{one['became']}:", one.get("id"), one.get("reason") or one.get("note"))
    return " ".join(str(word) for word in words if word)


def _fixtures(platform: str) -> list[Path]:
    found = sorted((FIXTURES / platform / "fixtures").glob("*__*"))
    return [path for path in found if not path.name.endswith(".out.json")]


def _fixture(platform: str, name: str) -> Path:
    own = Path(name)
    if own.is_file():
        return own
    known = _fixtures(platform)
    match = [path for path in known if name in (path.name, path.stem)] or [p for p in known if p.name.startswith(name)]
    if not match:
        names = "\n  ".join(path.stem for path in known)
        stop(f"{platform} has no sample {name!r}; it has:\n  {names}", WRONG_USE)
    return match[0]


def _events(file: Path) -> list[Any]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        stop(f"{file}:1: the file is not UTF-8: save it as UTF-8", WRONG_USE)
    try:
        parsed = json.loads(text)
        return parsed if isinstance(parsed, list) else [parsed]
    except ValueError:
        pass
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(json.loads(line))
            except ValueError as error:
                stop(f"{file}:{number}: not JSON: {error}", WRONG_USE)
    return found


def _post(url: str, **request: Any) -> httpx.Response:
    try:
        return httpx.post(url, timeout=30.0, trust_env=False, **request)
    except (httpx.UnsupportedProtocol, httpx.InvalidURL):
        stop(f"{url} is no address of a gateway: write it like http://127.0.0.1:8080", WRONG_USE)
    except httpx.TransportError as error:
        stop(f"the gateway does not answer at {url}: {error}")


def _report(reply: httpx.Response, as_json: bool) -> None:
    if not reply.is_success:
        stop(f"the gateway answered {reply.status_code}: {reply.text}")
    answer(as_json, {"status": reply.status_code, "body": reply.text}, f"taken ({reply.status_code})")
