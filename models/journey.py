"""A journey as it is started, signalled and steered: what crosses into Temporal."""

from datetime import timedelta
from typing import Any

from pydantic import Field

from models.base import Instant, Json, Model

WORKFLOW_QUEUE = "ovation"
ACTIVITY_QUEUE = "ovation"


def queue_of(platform: str | None) -> str:
    """The task queue of a platform's effects; the database's own when there is none."""
    return ACTIVITY_QUEUE if platform is None else f"platform-{platform}"


def workflow_id(playbook: str, contact: str) -> str:
    return f"journey/{playbook}/{contact}"


def referral_workflow_id(referral: str) -> str:
    return f"referral/{referral}"


SEARCH_ATTRIBUTES = {
    "OvationPlaybook": "Keyword",
    "OvationContact": "Keyword",
    "OvationStage": "Keyword",
    "OvationTier": "Keyword",
    "OvationNeedsAttention": "Bool",
    "OvationDeadline": "Datetime",
    "OvationNextAt": "Datetime",
}


class JourneyStart(Model):
    """The input of `AdvocateJourney` and `Referral`. `playbook` is the whole playbook as it was when the journey began;
    `journey` is its id: `j_…`, or for a referral the referral's own, `r_…`; `contact` is the advocate.

    `state` and `inbox` are carried from run to run. `rest_after` is the number of history events after which a run
    continues as new (0: when the server suggests it)."""

    journey: str
    contact: str
    playbook: dict[str, Any]
    started: Instant
    facts: Json = Field(default_factory=dict)
    state: dict[str, Any] | None = None
    inbox: list[dict[str, Any]] = Field(default_factory=list)
    rest_after: int = 0

    @property
    def workflow(self) -> str:
        """The workflow id."""
        if self.journey.startswith("r_"):
            return referral_workflow_id(self.journey)
        return workflow_id(str(self.playbook["playbook"]), self.contact)


class Intervention(Model):
    """The argument of an Update: which step, why, and who says so (a name of a colleague, not of the contact)."""

    step: str = ""
    found: bool | None = None
    reason: str = ""
    by: str = ""


RETRY_FIRST = timedelta(seconds=1)
RETRY_LONGEST = timedelta(minutes=5)
RETRY_ATTEMPTS = 8
