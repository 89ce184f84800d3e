"""Prevents: a time zone that nobody has, found out when a message is sent; a colleague who is told of `Unknown`."""

import pytest
from pydantic import ValidationError

from models.contact import Contact, Person


@pytest.mark.parametrize("zone", ["Europe", "America", "x" * 300, "/etc/passwd", "../x", "Europe/Paris\0", "", "Mars"])
def test_a_time_zone_that_is_none_is_refused_with_the_form(zone: str) -> None:
    with pytest.raises(ValidationError, match="is not a time zone; write it like Europe/Berlin") as refused:
        Person(time_zone=zone)
    assert len(refused.value.errors()[0]["msg"]) < 150


@pytest.mark.parametrize("zone", [None, "Europe/Berlin", "UTC", "America/Argentina/Buenos_Aires"])
def test_a_time_zone_that_is_one_is_kept(zone: str | None) -> None:
    assert Person(time_zone=zone).time_zone == zone


@pytest.mark.parametrize(
    ("known", "name"),
    [
        ({"first_name": "Ada", "last_name": "Lovelace", "company": "Engines"}, "Ada Lovelace"),
        ({"last_name": "Lovelace"}, "Lovelace"),
        ({"company": "Engines"}, "Engines"),
        ({}, "c_1"),
    ],
)
def test_who_has_no_name_is_told_from_others(known: dict[str, str], name: str) -> None:
    assert Contact.model_validate({"id": "c_1", **known}).name == name
