"""Dropbox: a folder and a request for files for each referral that needs them, and the news that files came in."""

from datetime import timedelta

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from platforms.base import Action, Findable, Platform, PlatformSettings, SignIn, Upkeep
from platforms.capabilities import RequestFiles
from platforms.dropbox import client, problem, upkeep, webhook


class DropboxSettings(PlatformSettings):
    """`app_secret` signs the app in and, unless `webhook_secret` is set, the webhooks. `refresh_token` was granted once
    by the account's owner. `folder` holds one folder for each referral; `deadlines` off for plans that have none
    (Basic, Plus)."""

    model_config = SettingsConfigDict(**{**PlatformSettings.model_config, "env_prefix": "OVATION_DROPBOX__"})
    required = ("app_key", "app_secret", "refresh_token")
    required_in = ("app_secret",)
    verified_by = "app_secret"

    base_url: str = "https://api.dropboxapi.com"
    app_key: str | None = None
    app_secret: SecretStr | None = None
    refresh_token: SecretStr | None = None
    folder: str = Field(default="/Ovation/Referrals", pattern=r'^(/[^/\\:*?"<>|]*[^/\\:*?"<>|. ])+$')
    deadlines: bool = True


PLATFORM = Platform(
    name="dropbox",
    label="Dropbox",
    settings=DropboxSettings,
    limit=0.5,
    headers=client.headers,
    doctor=client.doctor,
    judge=problem.judge,
    sign_in=SignIn(call=client.token_call, read=client.read_token),
    actions=[
        Action(
            RequestFiles,
            talk=client.request_files,
            repeat=Findable(
                find=client.find_request,
                after=timedelta(minutes=1),
                how="the file request is the one whose destination is the referral's own folder",
            ),
            document="https://www.dropbox.com/developers/documentation/http/documentation#file_requests-create",
        ),
    ],
    inbound=webhook.INBOUND,
    upkeep=[
        Upkeep(
            name=webhook.UPLOADS,
            every=timedelta(minutes=5),
            talk=upkeep.look_for_uploads,
            what="reads which files came into the folders of referrals; at once when a webhook says so",
        ),
    ],
)
