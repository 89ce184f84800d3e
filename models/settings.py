"""Settings from the environment, prefix `OVATION_`.

No vendor is listed here: each folder in `platforms/` has its own."""

import ipaddress
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _by_commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Listed = Annotated[list[str], NoDecode, BeforeValidator(_by_commas)]


def _networks(value: str) -> str:
    """The server takes what is no address for a name that nobody ever has, and says nothing."""
    for part in value.split(",") if value != "*" else ():
        try:
            ipaddress.ip_network(part.strip())
        except ValueError as error:
            raise ValueError(f"{part.strip()!r} is neither an address nor a network like 172.16.0.0/12") from error
    return value


class Settings(BaseSettings):
    """What every process of the product needs to know. See `docs/settings.md`."""

    model_config = SettingsConfigDict(
        env_prefix="OVATION_", extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    database_url: str | None = Field(default=None, repr=False)
    program: Path = Path("program.yaml")
    playbooks: Path = Path("playbooks")
    public_url: str = "http://127.0.0.1:8080"
    api_keys: Listed = Field(default=[], repr=False)
    secret_keys: Listed = Field(default=[], repr=False)
    time_scale: float = Field(default=1.0, gt=0)
    port: int = 8080
    sandbox_port: int = 8090
    temporal_port: int = 7233
    temporal_ui_port: int = 8233
    host: str = "127.0.0.1"
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = "127.0.0.1"
    """Addresses and networks by commas. What these say of who calls us, and by which scheme, is believed."""
    build_id: str | None = None
    rest_after: int = 0
    temporal_ui_url: str = ""
    """Where a namespace's workflows are listed in the Temporal UI; links in alerts begin with it."""

    def required_database_url(self) -> str:
        """Raises LookupError naming the setting when there is none."""
        if not self.database_url:
            raise LookupError("no database: set OVATION_DATABASE_URL, like postgresql://user@host/ovation")
        return self.database_url

    def required_secrets(self) -> list[str]:
        """The keys that sign links, newest first.

        Raises LookupError naming the setting when there is none."""
        if not self.secret_keys:
            raise LookupError("no secret key: set OVATION_SECRET_KEYS to a long random text")
        return self.secret_keys
