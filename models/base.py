"""What every model shares: strictness, and the marks that keep personal data out of Temporal.

The failure prevented: a misspelt key that is silently ignored, and a name or an address that ends up in a workflow
history or, quoted by the error of a value that did not fit, in a log. A model that may hold personal data derives from
`Personal`; the payload converter refuses it (`workflows/converter.py`). A field of an event that may hold personal data
is annotated with `PERSONAL`; it stays in the database when the event is handed to a journey.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict

Json = dict[str, object]


class Model(BaseModel):
    """A strict model: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, hide_input_in_errors=True)


class Personal(Model):
    """A model that may hold personal data. It never crosses into Temporal."""


class _PersonalMark:
    def __repr__(self) -> str:
        return "PERSONAL"


PERSONAL: Final = _PersonalMark()
"""Annotation of a field whose value stays in the database."""


def _in_utc(value: datetime) -> datetime:
    """Within a day of the calendar's ends there are zones in which the instant has no date."""
    try:
        instant = value.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("a time beyond the calendar") from error
    if not 1 < instant.year < 9999:
        raise ValueError("a time beyond the calendar")
    return instant


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A point in time, always UTC."""
