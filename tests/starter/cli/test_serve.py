"""Prevents: a gateway behind a proxy for which all visitors come from one network."""

from typing import Any
from unittest.mock import patch

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from tests.starter.cli.conftest import Ovation, aside
from tests.world import PLAYBOOKS, PROGRAM


async def served(ovation: Ovation, monkeypatch: pytest.MonkeyPatch, **settings: str) -> dict[str, Any]:
    """What `ovation serve` tells the server."""
    own = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/x", "SECRET_KEYS": "x", "PROGRAM": str(PROGRAM)}
    for name, value in {**own, "PLAYBOOKS": str(PLAYBOOKS), **settings}.items():
        monkeypatch.setenv(f"OVATION_{name}", value)
    monkeypatch.setenv("OVATION_PORT", "0")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:9")
    with patch("uvicorn.run") as run:
        result = await aside(ovation, "serve")
    assert result.exit_code == 0, result.output
    return dict(run.call_args.kwargs)


async def seen(trusted: Any, proxy: str, told: str) -> list[str]:
    """Who calls, and by which scheme, as the application sees it behind a proxy."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        assert request.client is not None
        await JSONResponse([request.client.host, request.url.scheme])(scope, receive, send)

    behind: Any = ProxyHeadersMiddleware(app, trusted_hosts=trusted)  # type: ignore[arg-type]
    calls = httpx.ASGITransport(app=behind, client=(proxy, 1))
    async with httpx.AsyncClient(transport=calls, base_url="http://ovation.test") as http:
        headers = {"X-Forwarded-For": told, "X-Forwarded-Proto": "https"}
        answer: list[str] = (await http.get("/", headers=headers)).json()
        return answer


async def test_visitors_behind_a_trusted_proxy_are_told_apart(
    ovation: Ovation, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = await served(ovation, monkeypatch, TRUSTED_PROXIES="10.0.0.5, 172.16.0.0/12")
    trusted = told["forwarded_allow_ips"]
    assert await seen(trusted, "172.18.0.1", "198.51.100.1") == ["198.51.100.1", "https"]
    assert await seen(trusted, "10.0.0.5", "198.51.100.2, 172.18.0.1") == ["198.51.100.2", "https"]
    assert await seen(trusted, "203.0.113.9", "198.51.100.1") == ["203.0.113.9", "http"], "a stranger is not believed"


async def test_unless_it_is_said_otherwise_a_proxy_on_this_machine_is_believed(
    ovation: Ovation, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = (await served(ovation, monkeypatch))["forwarded_allow_ips"]
    assert await seen(trusted, "127.0.0.1", "198.51.100.1") == ["198.51.100.1", "https"]
    assert await seen(trusted, "172.18.0.1", "198.51.100.1") == ["172.18.0.1", "http"]
