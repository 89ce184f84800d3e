"""The webhook that we register ourselves, where the application user is a customizer of the environment.

The failure prevented: two registrations, and so every change told twice, or none after the gateway has moved. What is
there by name is looked for first; its address is mended, a step that lacks is added.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from platforms.base import Body, Call, Reply, Round, Upkept, reveal
from platforms.dynamics.rows import change, literal, made_once, own, own_id, query
from platforms.dynamics.webhook import HEADER

if TYPE_CHECKING:
    from platforms.dynamics import DynamicsSettings

WEBHOOK, BY_HEADER = 8, 5
AFTER, ASYNCHRONOUS = 40, 1
"""Stage and mode of a step. Synchronous steps would make our outage fail a salesperson's save."""


def webhook(round: Round, settings: "DynamicsSettings") -> Generator[Call, Reply, Upkept]:
    """The service endpoint, then a step for updates of each table. The secret is write-only, so nobody can see whether
    it is the one that is set now: it is written once a day."""
    name = str(settings.webhook_name)
    endpoint = yield from _endpoint(name, round.webhook_url, settings)
    for table, columns in _steps(settings).items():
        yield from _step(f"{name}: update of {table}", table, columns, endpoint, settings)
    return Upkept(mark={"endpoint": endpoint})


def _endpoint(name: str, url: str, settings: "DynamicsSettings") -> Generator[Call, Reply, str]:
    where = f"contract eq {WEBHOOK} and name eq {literal(name)}"
    found = yield from query("serviceendpoints", ("serviceendpointid",), where, settings)
    row = str(found[0]["serviceendpointid"]) if found else own_id("endpoint", name)
    values: Body = {"url": url, "authtype": BY_HEADER, "authvalue": _secret(settings)}
    if found:
        yield from change("serviceendpoints", row, {}, values, settings)
    else:
        yield from made_once("serviceendpoints", row, {"name": name, "contract": WEBHOOK, **values}, settings)
    return row


def _step(
    name: str, table: str, columns: str, endpoint: str, settings: "DynamicsSettings"
) -> Generator[Call, Reply, None]:
    """A table that the environment does not have, or does not let be watched, has no filter and gets no step."""
    there = f"name eq {literal(name)} and _eventhandler_value eq {endpoint}"
    if (yield from query("sdkmessageprocessingsteps", ("sdkmessageprocessingstepid",), there, settings)):
        return
    where = f"primaryobjecttypecode eq {literal(table)} and sdkmessageid/name eq 'Update'"
    found = yield from query("sdkmessagefilters", ("sdkmessagefilterid", "_sdkmessageid_value"), where, settings)
    if found:
        step = _described(name, columns, endpoint, found[0])
        yield from made_once("sdkmessageprocessingsteps", own_id("step", f"{endpoint}:{name}"), step, settings)


def _described(name: str, columns: str, endpoint: str, message: Body) -> Body:
    return {
        "name": name,
        "stage": AFTER,
        "mode": ASYNCHRONOUS,
        "rank": 1,
        "supporteddeployment": 0,
        "asyncautodelete": True,
        "filteringattributes": columns,
        "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoint})",
        "sdkmessageid@odata.bind": f"/sdkmessages({message['_sdkmessageid_value']})",
        "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({message['sdkmessagefilterid']})",
    }


def _steps(settings: "DynamicsSettings") -> dict[str, str]:
    """Table → the columns whose change is worth a poke."""
    return {
        "contact": f"{own('referralgivenon', settings)},donotemail,donotbulkemail",
        "lead": "statecode,statuscode",
        "opportunity": "statecode",
        "task": "statecode",
        own("ovationreferral", settings): own("status", settings),
    }


def _secret(settings: "DynamicsSettings") -> str:
    value = quoteattr(reveal(settings.webhook_secret))
    return f"<settings><setting name={quoteattr(HEADER.lower())} value={value} /></settings>"
