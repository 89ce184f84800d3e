"""Zendesk: one verification ticket for each referral, and which contacts have a support ticket open."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Idempotent, Platform, PlatformSettings, Upkeep
from platforms.capabilities import OpenTicket, Stage
from platforms.zendesk import client, problem, upkeep, webhook
from platforms.zendesk.stage import STATUSES

_TAG = re.compile(r"^[a-z0-9_/-]{1,60}$")


def _status_or_tag(word: str) -> str:
    if word not in STATUSES and (word == "closed" or not _TAG.match(word)):
        raise ValueError(f"{word!r} is neither a status ({', '.join(STATUSES)}) nor a tag (lower case, no spaces)")
    return word


Word = Annotated[str, AfterValidator(_status_or_tag)]


def _usual_stages() -> dict[Stage, Word]:
    """Solving a ticket verifies the referral; every other verdict is a tag."""
    tagged: dict[Stage, Word] = {"won": "referral_won", "lost": "referral_lost"}
    return {"qualified": "solved", **tagged, "disqualified": "referral_disqualified"}


class ZendeskSettings(PlatformSettings):
    """`subdomain` as in acme.zendesk.com; `email` is that of the agent whose `api_token` signs in. `requester_id`: the
    user in whose name tickets are opened, else that agent. `stages`: our word → a status, or a tag that a team sets and
    reads. `webhook_secret` is fetched by the upkeep; it is set by hand only where that has no admin rights."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_ZENDESK__"})
    required = ("subdomain", "email", "api_token")

    base_url: str = "https://{subdomain}.zendesk.com"
    subdomain: str | None = Field(default=None, pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    email: str | None = None
    api_token: SecretStr | None = None
    requester_id: int | None = None
    group_id: int | None = None
    stages: dict[Stage, Word] = Field(default_factory=_usual_stages)


PLATFORM = Platform(
    name="zendesk",
    label="Zendesk",
    settings=ZendeskSettings,
    limit=1.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=problem.judge,
    actions=[
        Action(
            OpenTicket,
            talk=client.open_ticket,
            repeat=Idempotent(
                how="looked up by external_id first; while that might lag, an idempotency key of the referral's own "
                "forbids a second ticket; a comment goes with a stamp that only the ticket as it was read has"
            ),
            document="https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            "webhook",
            every=timedelta(days=1),
            talk=upkeep.keep_webhook,
            what="registers the webhook that reports verdicts on referrals' tickets, and fetches its signing secret",
        ),
        Upkeep(
            "tickets",
            every=timedelta(minutes=2),
            talk=upkeep.read_tickets,
            what="reads the tickets that changed: opened, resolved, rated, and verdicts that a webhook lost",
        ),
    ],
)
