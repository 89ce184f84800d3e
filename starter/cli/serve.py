"""`ovation serve` and `ovation migrate`: what a production set-up runs besides the worker."""

import logging

import uvicorn

from models.settings import Settings
from platforms import configured
from starter.cli.console import Json, answer, database, run, shelf, stop, temporal
from starter.gateway.app import make_app
from starter.set_up import set_up


def serve() -> None:
    """Runs the gateway alone: webhooks, events, pages.

    Example: OVATION_PORT=8080 ovation serve"""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    settings = Settings()
    try:
        settings.required_database_url()
        settings.required_secrets()
    except LookupError as missing:
        stop(str(missing))
    app = make_app(settings, shelf())
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="warning", access_log=False, server_header=False)


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
