"""What boxli's double takes: an order, and what its moves are told. Unknown fields are refused everywhere."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.base import Instant, Model

Email = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$", max_length=320)]
Url = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
Name = Annotated[str, Field(min_length=1)]


class PostalAddress(Model):
    line1: str = Field(min_length=1, max_length=120)
    line2: str = Field(default="", max_length=120)
    city: Name
    region: str = ""
    postal_code: str = ""
    country: str = Field(pattern=r"^[A-Z]{2}$")


class Recipient(Model):
    name: Name
    email: Email = ""
    company: str = ""
    address: PostalAddress | None = None

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, given: object) -> object:
        return _without_null(given)


class AddressRequest(Model):
    email: Email


class NewSend(Model):
    """An order. Where it goes is said in one of two ways: an address, or whom to ask for it."""

    external_reference: str = Field(min_length=1, max_length=128)
    campaign: Name
    recipient: Recipient
    address_request: AddressRequest | None = None
    video_url: Url = ""
    qr_target_url: Url
    note: str = Field(default="", max_length=500)
    priority: Literal["high", "normal"] = "normal"

    @model_validator(mode="before")
    @classmethod
    def _no_null(cls, given: object) -> object:
        return _without_null(given)


class Chosen(Model):
    """Which send a move is about: by our reference, by its id, or the newest. `occurred_at`: now, unless it is said."""

    external_reference: str | None = None
    id: str | None = None
    occurred_at: Instant | None = None


class Returning(Chosen):
    """The moves `return` and `fail`."""

    reason: str | None = None


class Scanning(Chosen):
    """The move `scan`: a code scanned, a chip touched, or the film in the lid played. An `external_event_id` that was
    there before is the same signal."""

    event_source: Literal["boxli_qr", "nfc", "video_brochure"] = "boxli_qr"
    external_event_id: str | None = None
    duration_sec: int | None = Field(default=None, ge=0)
    play_sequence_num: int | None = Field(default=None, ge=1)


class Offering(Model):
    """The move `campaign`: one more campaign that boxes may be ordered from."""

    campaign: Name


def _without_null(given: object) -> object:
    """Raises ValueError for a field that is null: to be left out instead."""
    empty = [name for name, value in given.items() if value is None] if isinstance(given, dict) else []
    if empty:
        raise ValueError(f"{', '.join(map(str, empty))}: null is no value; leave it out")
    return given
