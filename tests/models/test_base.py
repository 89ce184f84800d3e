"""Prevents: a time that one process takes and another cannot show."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from models.base import Instant

INSTANT: TypeAdapter[datetime] = TypeAdapter(Instant)


@pytest.mark.parametrize(
    "text",
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"],
)
def test_an_instant_that_some_zone_cannot_show_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="beyond the calendar"):
        INSTANT.validate_python(text)


@pytest.mark.parametrize("text", ["0002-01-01T00:00:00+14:00", "9998-12-31T00:00:00-12:00", "2026-11-26T09:00:00Z"])
def test_every_other_can_be_shown_everywhere(text: str) -> None:
    try:
        instant = INSTANT.validate_python(text)
    except ValidationError:
        assert "0002" in text, "its date in UTC is a day earlier"
        return
    assert instant.tzinfo is UTC
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):
        instant.astimezone(ZoneInfo(zone))
