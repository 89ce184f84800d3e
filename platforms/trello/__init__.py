"""Trello: one card for each referral, which moves between lists as the deal moves, and moves the deal in turn."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Findable, Platform, PlatformSettings, Upkeep
from platforms.capabilities import PutCard, Stage
from platforms.trello import client, upkeep, webhook

TrelloId = Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]


class TrelloSettings(PlatformSettings):
    """`api_key` names the app, `token` is what a member granted it, `api_secret` (or `webhook_secret`) signs the
    webhooks: three values that are easily taken for each other. `stages`: our word → a list's id. `member`: whose
    moves are our own."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_TRELLO__"})
    required = ("api_key", "token", "board")
    required_in = ("api_secret",)
    verified_by = "api_secret"

    base_url: str = "https://api.trello.com/1"
    api_key: SecretStr | None = None
    token: SecretStr | None = None
    api_secret: SecretStr | None = None
    board: TrelloId | None = None
    stages: dict[Stage, TrelloId] = Field(default_factory=dict)
    member: TrelloId | None = None


PLATFORM = Platform(
    name="trello",
    label="Trello",
    settings=TrelloSettings,
    limit=3.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=client.judge,
    actions=[
        Action(
            PutCard,
            talk=client.put_card,
            repeat=Findable(
                find=client.find_card,
                after=timedelta(minutes=1),
                how="the board's cards are read, and compared by the line of their description that names the referral",
            ),
            document="https://developer.atlassian.com/cloud/trello/rest/api-group-cards/",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            name="webhook",
            every=timedelta(hours=6),
            talk=upkeep.register,
            what="registers the board's webhook, and wakes it when Trello has switched it off",
            needs=lambda settings: ("api_secret",),
        ),
        Upkeep(
            name="moves",
            every=timedelta(hours=1),
            talk=upkeep.look_for_moves,
            what="reads the moves of cards that webhooks lost: Trello repeats a delivery for a few minutes only",
        ),
    ],
)
