"""Asana: a follow-up task with an owner for each new referral, and the news that it is done."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.asana import client, upkeep, webhook
from platforms.base import Action, Findable, Platform, PlatformSettings, SignIn, Upkeep
from platforms.capabilities import CreateTask


class AsanaSettings(PlatformSettings):
    """`project` is the gid of the project that gets the tasks. `refresh_token` is the app's, granted once by a person;
    Asana makes `webhook_secret` when the webhook is registered, so it is rarely set."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_ASANA__"})
    required = ("client_id", "client_secret", "refresh_token", "project")

    base_url: str = "https://app.asana.com/api/1.0"
    client_id: str | None = None
    client_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    project: str | None = Field(default=None, pattern=r"^[0-9]{1,40}$")


PLATFORM = Platform(
    name="asana",
    label="Asana",
    settings=AsanaSettings,
    limit=2.0,
    headers=client.headers,
    doctor=client.doctor,
    judge=client.judge,
    sign_in=SignIn(call=client.token_call, read=client.read_token),
    actions=[
        Action(
            CreateTask,
            talk=client.create_task,
            repeat=Findable(
                find=client.find_task,
                after=timedelta(minutes=1),
                how="the task is read by its external id, `external:ovation.…`, which holds our key",
            ),
            document="https://developers.asana.com/reference/createtask",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            name="webhook",
            every=timedelta(hours=6),
            talk=upkeep.register,
            what="registers the project's webhook, and again when Asana has dropped it",
        ),
        Upkeep(
            name=webhook.TASKS,
            every=timedelta(hours=1),
            talk=upkeep.look_for_completed,
            what="reads which of our tasks were completed; at once when a webhook says so",
        ),
    ],
)
