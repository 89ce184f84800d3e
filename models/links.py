"""Addresses of a person's pages. A token names a contact and is signed for one kind of page, so that nobody can guess
another's, or make of one they have seen the address of a page they should not see.

The failures prevented: a page with somebody's name opened by counting up; personal data in an address; a reward taken
by whoever saw a photo of the box.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from models.journey import referral_workflow_id, workflow_id


@dataclass(frozen=True)
class Opened:
    """A hub as it was opened. `own`: by the address in a mail to them, not by a code that others may have seen."""

    contact: str
    own: bool


@dataclass(frozen=True)
class Links:
    """`secrets`: newest first; the newest signs, all of them verify."""

    public_url: str
    secrets: Sequence[str] = field(repr=False)
    temporal_ui: str = ""

    @property
    def secure(self) -> bool:
        """Whether people reach us by TLS, wherever it ends."""
        return self.public_url.lower().startswith("https://")

    def hub(self, contact: str) -> str:
        """Their own page, with all that is theirs. For messages to them, and for nobody else's eyes."""
        return f"{self.public_url}/hub/{self.token('own', contact)}"

    def scanned_hub(self, contact: str) -> str:
        """The page as a scan opens it: a box is shown around, and its photo is posted."""
        return f"{self.public_url}/hub/{self.token('hub', contact)}"

    def hub_opened(self, token: str) -> Opened | None:
        """Whose hub a token opens, and how; None when it is not one of ours."""
        for page, own in (("own", True), ("hub", False)):
            contact = self.contact_of(page, token)
            if contact is not None:
                return Opened(contact, own)
        return None

    def preferences(self, contact: str) -> str:
        return f"{self.public_url}/preferences/{self.token('preferences', contact)}"

    def qr(self, code: str) -> str:
        return f"{self.public_url}/q/{code}"

    def referral(self, code: str) -> str:
        return f"{self.public_url}/r/{code}"

    def webhook(self, platform: str) -> str:
        return f"{self.public_url}/webhooks/{platform}"

    def payout(self, contact: str) -> str:
        """The page where they complete the account their rewards go to. For messages to them: whoever has this address
        can say where the money goes, so no page shows it."""
        return f"{self.public_url}/payout/{self.token('payout', contact)}"

    def referral_workflow(self, referral: str) -> str:
        """The referral in the Temporal UI, or its workflow id where no UI is known."""
        workflow = referral_workflow_id(referral)
        return f"{self.temporal_ui}/{quote(workflow, safe='')}" if self.temporal_ui else workflow

    def hook(self, platform: str) -> str:
        """The address that an upkeep registers at a vendor; its query proves that we gave it out."""
        return f"{self.webhook(platform)}?hook={self.token('hook', platform)}"

    def gave_out(self, platform: str, token: str) -> bool:
        """Whether `token` is the proof in an address of `hook`."""
        return self.contact_of("hook", token) == platform

    def journey(self, playbook: str, contact: str) -> str:
        """The journey in the Temporal UI, or its workflow id where no UI is known."""
        workflow = workflow_id(playbook, contact)
        return f"{self.temporal_ui}/{quote(workflow, safe='')}" if self.temporal_ui else workflow

    def token(self, page: str, contact: str) -> str:
        """`contact.signature`, good for one kind of page."""
        return f"{contact}.{self._signature(self.secrets[0], page, contact)}"

    def contact_of(self, page: str, token: str) -> str | None:
        """The contact a token names, or None when it is not one of ours."""
        contact, _, signature = token.partition(".")
        good = [self._signature(secret, page, contact) for secret in self.secrets]
        return contact if any(hmac.compare_digest(signature.encode(), g.encode()) for g in good) else None

    @staticmethod
    def _signature(secret: str, page: str, contact: str) -> str:
        mac = hmac.new(secret.encode(), f"{page}:{contact}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(mac[:15]).decode()
