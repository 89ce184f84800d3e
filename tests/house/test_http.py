"""Prevents: a call to a vendor past the runner: without its limit, its redaction and its word for what went wrong, and
perhaps a second time.

To do it right: a talk yields a `Call` and is sent the `Reply` (`platforms/base.py`); `platforms/runner.py` alone sends.
"""

from pathlib import Path

from tests.house import product

CLIENTS = (
    "httpx",
    "aiohttp",
    "requests",
    "urllib3",
    "urllib.request",
    "http.client",
    "socket",
    "smtplib",
    "websockets",
)
DOORS = ("platforms/runner.py", "starter/", "sandbox/")
"""Who speaks HTTP: the runner to vendors, the ways in to ourselves, the sandbox as a vendor."""


def clients(module: Path) -> list[str]:
    return [
        f"{module}:{line} {name}"
        for name, line in product.imports(module)
        if any(name == client or name.startswith(f"{client}.") for client in CLIENTS)
    ]


def test_only_the_runner_calls_vendors() -> None:
    inside = [module for module in product.modules() if not str(module).startswith(DOORS)]
    found = [place for module in inside for place in clients(module)]
    assert not found, "an HTTP client where none belongs; yield a Call instead:\n" + "\n".join(found)


def test_the_runner_itself_is_seen() -> None:
    assert clients(Path("platforms/runner.py")), "else this looks for the wrong libraries"
