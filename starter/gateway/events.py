"""`POST /events`: other services report what happened, as CloudEvents 1.0, one or many at a time.

The failure prevented: a service that cannot tell which of its events was taken, and why another was not.
"""

import hmac
import json
import math
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from models.base import Instant, Json
from models.contact import Identity, Person
from models.event import PREFIX, Event, checked_data, id_from_content
from starter.gateway.gateway import Gateway, body_of, clean, gateway
from store.inbox import NOBODY

router = APIRouter(tags=["events"])

MOST = 1000
"""Events in one batch."""
LONGEST_ID = 200
TOO_DEEP = "it is nested too deeply"


def _known_type(name: str) -> str:
    if not name.startswith(PREFIX):
        raise ValueError(f"{name!r} is not one of ours: event types begin with {PREFIX}")
    return name


class CloudEvent(BaseModel):
    """A CloudEvents 1.0 envelope. Extension attributes are allowed, as the standard wants, and not read.

    `data.person` may tell who the subject is (first_name, email, company …). Without `id`, the same content counts as
    the same event; without `time`, it happened now."""

    model_config = ConfigDict(extra="allow")

    specversion: Literal["1.0"] = "1.0"
    id: str | None = Field(default=None, min_length=1, max_length=LONGEST_ID)
    source: str = Field(default="api", min_length=1, max_length=190)
    type: Annotated[str, AfterValidator(_known_type)]
    subject: str = Field(min_length=3, max_length=400)
    time: Instant | None = None
    datacontenttype: Literal["application/json"] | None = None
    data: dict[str, Any] = Field(default_factory=dict)


@router.post("/events", status_code=202, operation_id="report_events")
async def report(request: Request) -> JSONResponse:
    """One event, or an array of them. 202 with what became of each: `accepted`, `known already` or `refused`, in the
    order they came, its `id` again if that is a text one can read. 401 without a key; 400 for a body that is not JSON;
    422 when none of them could be taken."""
    here = gateway(request)
    _signed_in(here, request)
    items, single = _items(await body_of(request))
    became = [await take(here, item) for item in items]
    if items and all(one["became"] == "refused" for one in became):
        return JSONResponse({"detail": became[0]["reason"] if single else "none could be taken", "events": became}, 422)
    return JSONResponse({"events": became}, 202)


async def take(here: Gateway, item: object) -> Json:
    """What became of one event. `contact` is whom it is about; without one nothing of ours hears it, which is noted."""
    try:
        cloud = CloudEvent.model_validate(item)
        accepted = await here.accept(event_from(cloud, here.now()))
    except ValidationError as error:
        return _refused(item, _in_words(error))
    except ValueError as error:
        return _refused(item, str(error))
    except RecursionError:
        return _refused(item, TOO_DEEP)
    return {
        "id": cloud.id,
        "became": "accepted" if accepted.new else "known already",
        "event": accepted.id,
        "contact": accepted.contact,
        **({"note": NOBODY} if accepted.contact is None else {}),
    }


def _refused(item: object, reason: str) -> Json:
    given = item.get("id") if isinstance(item, dict) else None
    shown = given if isinstance(given, str) and given.isprintable() and len(given) <= LONGEST_ID else None
    return {"id": shown, "became": "refused", "reason": clean(reason)}


def event_from(cloud: CloudEvent, now: datetime) -> Event:
    """Our event from an envelope. Raises ValueError when the type is unknown or the data does not fit it."""
    data = dict(cloud.data)
    told = data.pop("person", None)
    event_type = cloud.type.removeprefix(PREFIX)
    checked = checked_data(event_type, data)
    content = id_from_content(cloud.type, cloud.subject, cloud.time, json.dumps(cloud.data, sort_keys=True))
    return Event(
        type=event_type,
        source=f"events:{cloud.source}",
        source_id=cloud.id or content,
        subject=Identity.parse(cloud.subject),
        at=cloud.time or now,
        data=checked,
        person=None if told is None else Person.model_validate(told),
    )


def _signed_in(here: Gateway, request: Request) -> None:
    keys = here.settings.api_keys
    if not keys:
        raise HTTPException(503, "no service may report events yet: set OVATION_API_KEYS")
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    good = [hmac.compare_digest(key.strip().encode(), known.encode()) for known in keys]
    if scheme.lower() != "bearer" or not any(good):
        raise HTTPException(401, "send one of OVATION_API_KEYS as a bearer key", {"WWW-Authenticate": "Bearer"})


def _items(body: bytes) -> tuple[list[object], bool]:
    try:
        parsed = json.loads(body, parse_constant=_number, parse_float=_number)
    except ValueError as error:
        raise HTTPException(400, f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise HTTPException(400, f"the body cannot be read: {TOO_DEEP}") from error
    if isinstance(parsed, dict):
        return [parsed], True
    if not isinstance(parsed, list):
        raise HTTPException(400, "the body is neither an event nor an array of events")
    if len(parsed) > MOST:
        raise HTTPException(413, f"{len(parsed)} events at once are too many: send at most {MOST}")
    return parsed, False


def _number(text: str) -> float:
    """Python reads more than JSON has: NaN, Infinity, and 1e999 as the latter."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is not a number that JSON has")
    return number


def _in_words(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "event"
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"
