"""Prevents: an editor that marks right words as wrong, or lets wrong ones pass."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from authoring.schema import message_schema, playbook_schema, program_schema
from authoring.source import read_file

ROOT = Path(__file__).parents[2]


def test_what_ships_fits_its_schema() -> None:
    playbooks = [path for path in (ROOT / "playbooks").glob("*.yaml") if ".stories." not in path.name]
    for path in playbooks:
        assert list(Draft202012Validator(playbook_schema()).iter_errors(read_file(path).content)) == []
    program = read_file(ROOT / "program.yaml").content
    assert list(Draft202012Validator(program_schema()).iter_errors(program)) == []


@pytest.mark.parametrize("schema", [playbook_schema(), program_schema(), message_schema()])
def test_a_schema_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


SMALL: dict[str, Any] = {
    "playbook": "small",
    "title": "Small",
    "purpose": "gratitude",
    "starts": ["nps.answered", {"on": "contact.tagged", "when": 'event.tag == "x"'}],
    "again": "after 90 days",
    "steps": {"one": {"due": "3 days after gift.delivered", "unless": "qr.scanned", "within": "same day", "do": []}},
    "ends": {"after": "180 days of quiet", "on": ["contact.churned"], "at_most": "2 years"},
}


@pytest.mark.parametrize(
    "action",
    [{"send": "thank-you"}, {"send": {"message": "thank-you"}}, {"set_tier": "elite"}, {"task": {"title": "Call"}}],
)
def test_short_forms_are_allowed(action: dict[str, Any]) -> None:
    playbook = deepcopy(SMALL)
    playbook["steps"]["one"]["do"] = [action]
    assert list(Draft202012Validator(playbook_schema()).iter_errors(playbook)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("due", "3 days before gift.delivered"),
        ("due", "3 days after gift.deliverd"),
        ("within", "soon"),
        ("unless", "qr.scaned"),
        ("wihtin", "1 day"),
        ("do", [{"sned": "thank-you"}]),
        ("do", [{"send": "thank-you", "note": "x"}]),
        ("do", [{"make_video": {"video": "x"}}]),
        ("do", [{"task": "Call"}]),
    ],
)
def test_wrong_words_are_marked(path: str, value: object) -> None:
    playbook = deepcopy(SMALL)
    playbook["steps"]["one"]["do"] = [{"send": "thank-you"}]
    playbook["steps"]["one"][path] = value
    assert list(Draft202012Validator(playbook_schema()).iter_errors(playbook))
