"""An access token of a platform."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Token:
    """`expires_at` None: until the vendor says 401. `base_url` where the vendor names the host."""

    value: str = field(repr=False)
    expires_at: datetime | None = None
    base_url: str | None = None
