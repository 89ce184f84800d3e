"""The five kinds of error a vendor call can end in. The runner alone decides which it is.

VendorError
  ├─ Rejected        our data is wrong; the vendor surely did nothing; do not try again
  ├─ Unauthorized    configuration is wrong; nothing happened; a person must mend it
  ├─ RateLimited     nothing happened; try again when the vendor says
  ├─ Unavailable     nothing happened; try again with patience
  └─ InDoubt         it may have happened: no reply, or a 5xx after a write; ask the ledger's rule
"""


class VendorError(Exception):
    """A call to a vendor that did not end well. The message holds no secret and no personal data of ours.

    `partly`: an earlier write of the same talk was answered, so the whole is not surely undone."""

    kind = "error"
    partly = False

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class Rejected(VendorError):
    kind = "rejected"


class Unauthorized(VendorError):
    kind = "unauthorized"


class RateLimited(VendorError):
    """`retry_after` in seconds."""

    kind = "rate-limited"

    def __init__(self, message: str, *, retry_after: float = 10.0, status: int | None = None) -> None:
        super().__init__(message, status=status)
        self.retry_after = retry_after


class Unavailable(VendorError):
    kind = "unavailable"


class InDoubt(VendorError):
    kind = "in doubt"


class BadSignature(Exception):
    """A webhook whose signature is missing, wrong or too old. Answered 401."""


class Malformed(Exception):
    """A webhook body that cannot be read. The message says what is wrong. Answered 400."""
