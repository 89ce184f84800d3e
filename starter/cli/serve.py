"""`ovation serve` and `ovation migrate`: what a production set-up runs besides the worker."""

import logging

import uvicorn
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client

from models.journey import SEARCH_ATTRIBUTES
from models.settings import Settings
from starter.cli.console import Json, answer, database, run, shelf, stop, temporal
from starter.gateway.app import make_app
from store.migrate import migrate as migrate_database

_KINDS = {
    "Keyword": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    "Bool": IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
    "Datetime": IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}


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
    """Creates or upgrades the database, and registers the search attributes in Temporal.

    Example: ovation migrate"""
    done = run(_migrate())
    words = f"the database is at {done['revision']}; search attributes added: {done['added'] or 'none, all known'}"
    answer(as_json, done, words)


async def _migrate() -> dict[str, object]:
    async with database() as engine:
        revision = await migrate_database(engine)
    return {"revision": revision, "added": await _register(await temporal())}


async def _register(client: Client) -> list[str]:
    """The search attributes that were missing in the namespace."""
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {name: kind for name, kind in SEARCH_ATTRIBUTES.items() if name not in known.custom_attributes}
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=client.namespace, search_attributes={name: _KINDS[kind] for name, kind in missing.items()}
            )
        )
    return sorted(missing)
