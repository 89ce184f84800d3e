"""The program: what is the same for all playbooks. `program.yaml` is this model."""

from datetime import time
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from models.base import Model
from models.contact import TimeZoneName
from models.money import Currency


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _web_address(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https"):
        raise ValueError(f"{value!r} is not a web address; write https://…")
    return value


WebAddress = Annotated[str, AfterValidator(_web_address)]
Bound = Annotated[list[str], BeforeValidator(_listed)]


class Video(Model):
    """A video recorded once. `campaign` is its id at the vendor; `plain` is the same film without a name."""

    campaign: str
    plain: WebAddress | None = None


class Box(Model):
    """A gift box. `campaign` is its name at the vendor."""

    campaign: str


class Hours(Model):
    """From one time of day to another, in the contact's own time zone."""

    from_: time = Field(alias="from")
    to: time


class Governance(Model):
    """Who may be asked and when. `quiet` and `business` are None when days are compressed by a time scale."""

    asks_per_quarter: int = Field(default=1, ge=0)
    quiet: Hours | None = Hours(**{"from": time(20), "to": time(8)})
    business: Hours | None = Hours(**{"from": time(9), "to": time(17)})


class Invitation(Model):
    title: str
    text: str
    link: WebAddress | None = None


class Hub(Model):
    """The page a box's QR code opens. A personal note from leadership, and an invitation; never a product page."""

    title: str = "Thank you"
    note: str
    signed: str
    invitation: Invitation | None = None


class Program(Model):
    """`platforms` binds capabilities to platforms; several where it makes sense."""

    company: str
    platforms: dict[str, Bound]
    time_zone: TimeZoneName = "UTC"
    currency: Currency = "USD"
    alerts: str
    csm: str | None = None
    reply_to: str | None = None
    videos: dict[str, Video] = Field(default_factory=dict)
    boxes: dict[str, Box] = Field(default_factory=dict)
    hub: Hub
    governance: Governance = Field(default_factory=Governance)
    referral_link: WebAddress | None = None
