"""`ovation serve` and `ovation migrate`: what a production set-up runs besides the worker."""

import logging
import socket

import uvicorn

from models.settings import Settings
from platforms import configured
from starter.cli.console import Json, answer, database, database_url, run, shelf, stop, temporal
from starter.gateway.app import make_app
from starter.set_up import set_up
from workflows.connection import temporal_client


def serve(as_json: Json = False) -> None:
    """Runs the gateway alone: webhooks, events, pages.

    Example: OVATION_PORT=8080 ovation serve"""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings()
    app = make_app(settings, shelf())
    run(_check(settings))
    answer(as_json, {"gateway": f"http://{settings.host}:{settings.port}"})
    try:
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            server_header=False,
            forwarded_allow_ips=settings.trusted_proxies,
        )
    except SystemExit:  # with a status of its own, after it said why
        stop("the gateway did not start")


async def _check(settings: Settings) -> None:
    """What the server would only find out when it has started, and tell in a traceback."""
    settings.required_secrets()
    database_url(settings)
    configured()
    await temporal_client(lazy=True)
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as door:
                door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                door.bind(address)
    except OSError as error:
        where = f"port {settings.port} of {settings.host}"
        stop(f"{where} cannot be had: {error.strerror or error}; set OVATION_PORT or OVATION_HOST to another")


def migrate(as_json: Json = False) -> None:
    """Creates or upgrades the database; registers search attributes and schedules in Temporal.

    Example: ovation migrate"""
    done = run(_migrate())
    words = [f"the database is at {done['revision']}"]
    for name, what in (("added", "search attributes added"), ("scheduled", "schedules")):
        found = done[name]
        listed = ", ".join(found) if isinstance(found, list) else ""
        words.append(f"{what}: {listed or 'none'}")
    answer(as_json, done, "\n".join(words))


async def _migrate() -> dict[str, object]:
    async with database() as engine:
        bound = {name for names in shelf().program.platforms.values() for name in names}
        platforms = {name: found for name, found in configured().items() if name in bound}
        return await set_up(engine, await temporal(), platforms)
