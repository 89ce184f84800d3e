"""A running sandbox on a free port, with Slack, Wootric and a parrot; and a gateway that only listens."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Inbound, Incoming, PlatformSettings
from platforms.errors import BadSignature
from platforms.slack import PLATFORM as SLACK
from platforms.slack.stand_in import STAND_IN as SLACK_STAND_IN
from platforms.stand_in import Answer, Heard, Route, StandIn, Webhook
from platforms.wootric import PLATFORM as WOOTRIC
from platforms.wootric.stand_in import STAND_IN as WOOTRIC_STAND_IN
from sandbox.app import create_app
from sandbox.server import listen, server
from sandbox.vendors import Vendor


class ParrotSettings(PlatformSettings):
    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_PARROT__"})

    base_url: str = "https://parrot.example"
    api_key: SecretStr | None = None
    colors: list[str] = Field(default_factory=list)
    region: str | None = None


class Cage(BaseModel):
    words: list[str] = Field(default_factory=list)


def _say(heard: Heard, books: Cage) -> Answer:
    books.words.append(heard.json["word"])
    heard.json["word"] = "changed afterwards"
    return Answer(201, {"words": books.words}, headers={"X-Parrot": "yes"}, webhooks=[Webhook(b'{"heard": true}')])


def _read(heard: Heard, books: Cage) -> Answer:
    return Answer(200, {**heard.params, **heard.query, "form": dict(heard.form)})


def _fall_over(heard: Heard, books: Cage) -> Answer:
    raise KeyError("perch")


def _squawk(given: object, books: Cage) -> Answer:
    body = json.dumps(given).encode()
    return Answer(200, {"given": given}, webhooks=[Webhook(body)])


def _url_digest(settings: ParrotSettings, url: str) -> str:
    return hashlib.sha256(f"{settings.webhook_secret}{url}".encode()).hexdigest()


def _verify(incoming: Incoming, settings: ParrotSettings, now: datetime) -> None:
    if incoming.headers.get("x-parrot") != _url_digest(settings, incoming.url) or incoming.query.get("s") != "hush":
        raise BadSignature("not the parrot's")


PARROT = StandIn(
    name="parrot",
    books=Cage,
    routes=[
        Route("POST", "/words", _say),
        Route("GET", "/words/{word}", _read),
        Route("POST", "/form/{word}", _read),
        Route("PUT", "/words", _fall_over),
        Route("DELETE", "/words", lambda heard, books: Answer(204)),
        Route("GET", "/plain", lambda heard, books: Answer(200, text="squawk", media_type="text/plain")),
    ],
    guard=lambda heard: Answer(401, {"squawk": "no"}) if "x-no" in heard.headers else None,
    rate_limited=lambda: Answer(429, {"squawk": "slowly"}, headers={"Retry-After": "1"}),
    broken=lambda: Answer(500, {"squawk": "ouch"}),
    settings=lambda: ParrotSettings(
        api_key=SecretStr("parrot-key"), webhook_secret=SecretStr("feather"), colors=["red"], region="eu"
    ),
    moves={"squawk": _squawk},
)
PARROT_INBOUND = Inbound(
    verify=_verify,
    sign=lambda body, settings, url, now: {"X-Parrot": _url_digest(settings, url)},
    unpack=lambda incoming: [],
    events={},
    sign_query=lambda settings: {"s": "hush"},
)


def vendors() -> list[Vendor]:
    return [
        Vendor(SLACK_STAND_IN, SLACK_STAND_IN.settings(), SLACK.inbound),
        Vendor(WOOTRIC_STAND_IN, WOOTRIC_STAND_IN.settings(), WOOTRIC.inbound),
        Vendor(PARROT, PARROT.settings(), PARROT_INBOUND),
    ]


@dataclass
class Listener:
    """A gateway that verifies what arrives and answers 200, or first what `answers` has."""

    port: int
    public_url: str
    arrived: list[Incoming] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        listener = self

        class Ear(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                url = urlsplit(self.path)
                listener.arrived.append(
                    Incoming(
                        "POST",
                        listener.public_url + self.path,
                        {name.lower(): value for name, value in self.headers.items()},
                        dict(parse_qsl(url.query)),
                        body,
                    )
                )
                self.send_response(listener.answers.pop(0) if listener.answers else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Ear)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()

    def verify_all(self, by: dict[str, Vendor]) -> None:
        """Raises BadSignature unless each vendor's own check lets its webhooks in."""
        for incoming in self.arrived:
            vendor = by[urlsplit(incoming.url).path.rpartition("/")[2]]
            assert vendor.inbound is not None
            vendor.inbound.verify(incoming, vendor.settings, datetime.now(UTC))


@dataclass
class Running:
    """A sandbox at `url`; `http` talks to it and `listener` is the gateway it tells."""

    url: str
    http: httpx.Client
    listener: Listener
    vendors: dict[str, Vendor]

    def until(self, path: str, true: Callable[[list[dict[str, object]]], bool]) -> list[dict[str, object]]:
        """What `path` lists once it is as wanted."""
        for _ in range(600):
            listed: list[dict[str, object]] = self.http.get(path).json()
            if true(listed):
                return listed
            threading.Event().wait(0.05)
        raise AssertionError(f"{path} stayed {listed}")


@pytest.fixture
def sandbox() -> Iterator[Running]:
    """The gateway is not up yet: `sandbox.listener.start()`."""
    reserved = listen(0)
    port = reserved.getsockname()[1]
    reserved.close()
    listener = Listener(port, "https://ovation.example")
    known = vendors()
    listening = listen(0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    running = server(create_app(known, f"http://127.0.0.1:{port}", listener.public_url))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
            yield Running(url, client, listener, {vendor.name: vendor for vendor in known})
    finally:
        running.should_exit = True
        thread.join()
        listener.stop()
