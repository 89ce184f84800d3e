"""JSON Schema of the marketer's files, from the models: an editor completes words and marks mistakes while one writes.

The models read short forms (`at start`, `add_to_list: Champions`) that pydantic's own schema does not know of; here
each is put in.
"""

from typing import Any

from pydantic import BaseModel

from authoring.messages import Heading
from models.effect import EFFECTS
from models.event import EVENTS
from models.playbook import Playbook
from models.program import Program
from platforms.capabilities import CAPABILITIES

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_DURATION = r"\d+ (second|minute|hour|day|week|month|year)s?"
_MONEY = r"\d+(\.\d+)? [A-Z]{3}"
_EVENT: Schema = {"type": "string", "enum": sorted(EVENTS)}
_TIME_OF_DAY: Schema = {"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"}


def playbook_schema() -> Schema:
    """The schema of a file in `playbooks/`."""
    schema = _plain(Playbook.model_json_schema(by_alias=True))
    parts, top = schema["$defs"], schema["properties"]
    for filled in ("qualify_platforms", "alert_platforms"):
        del top[filled]
    top["again"] = _text(f"never|after {_DURATION}|{_DURATION}", "when the same person may start again")
    parts["Ends"]["properties"]["after"] = _text(f"{_DURATION}( of quiet)?", "how long nothing may happen")
    parts["When"] = _moment()
    parts["Action"] = _action(parts)
    for name in ("Trigger", "Reaction"):
        parts[name]["properties"]["on"] = _EVENT
    parts["Trigger"] = {"anyOf": [_EVENT, parts["Trigger"]]}
    parts["Step"]["properties"]["unless"] = {"anyOf": [_EVENT, {"type": "array", "items": _EVENT}]}
    return {"$schema": DIALECT, **schema}


def program_schema() -> Schema:
    """The schema of `program.yaml`."""
    schema = _plain(Program.model_json_schema(by_alias=True))
    bound: Schema = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    schema["properties"]["platforms"] = {
        "type": "object",
        "properties": {capability: bound for capability in CAPABILITIES},
        "additionalProperties": False,
    }
    schema["$defs"]["Money"] = _text(_MONEY, "like: 100 USD")
    schema["$defs"]["Share"] = _text(rf"\d+(\.\d\d?)? ?%( of the sale)?|{_MONEY}", "like: 100 USD, or 10% of the sale")
    return {"$schema": DIALECT, **schema}


def message_schema() -> Schema:
    """The schema of the lines at the head of a message."""
    return {"$schema": DIALECT, **_plain(Heading.model_json_schema(by_alias=True))}


def _text(pattern: str, description: str) -> Schema:
    return {"type": "string", "pattern": f"^({pattern})$", "description": description}


def _moment() -> Schema:
    anchors = "|".join(name.replace(".", r"\.") for name in ["start", *sorted(EVENTS)])
    return _text(f"(at|{_DURATION} after) ({anchors})", "like: at start, or 3 days after gift.delivered")


def _action(parts: Schema) -> Schema:
    """One verb with its parameters; where a verb has a short form, the one parameter alone."""
    verbs: Schema = {}
    for verb, kind in EFFECTS.items():
        if kind.internal:
            continue
        takes = _plain(kind.takes.model_json_schema(by_alias=True))
        parts.update(takes.pop("$defs", {}))
        short = takes["properties"].get(kind.shorthand)
        verbs[verb] = {**(takes if short is None else {"anyOf": [short, takes]}), "description": kind.label}
    bare = [verb for verb, kind in EFFECTS.items() if not kind.internal and _needs_nothing(kind.takes)]
    one: Schema = {
        "type": "object",
        "description": "one thing to do",
        "properties": verbs,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }
    return {"anyOf": [{"type": "string", "enum": bare}, one]}


def _needs_nothing(takes: type[BaseModel]) -> bool:
    return not any(info.is_required() for info in takes.model_fields.values())


def _plain(schema: Any) -> Any:
    """Durations and times of day as people write them; defaults as pydantic would print them are left out."""
    if isinstance(schema, list):
        return [_plain(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("format") == "duration":
        return _text(f"{_DURATION}|same day", "like: 48 hours, 3 days, same day")
    if schema.get("format") == "time":
        return _TIME_OF_DAY
    return {key: _plain(value) for key, value in schema.items() if key != "default"}
