"""Temporal, by its own standard environment configuration and with our converter."""

from temporalio.client import Client
from temporalio.envconfig import ClientConfig

from workflows.converter import data_converter


async def temporal_client(*, lazy: bool = False) -> Client:
    """A client. `lazy`: connects at its first call, so that a process can start while Temporal is away.

    Raises LookupError naming the setting when no address is known."""
    found = ClientConfig.load_client_connect_config()
    if not found.get("target_host"):
        raise LookupError("no Temporal: set TEMPORAL_ADDRESS, like 127.0.0.1:7233, or run `ovation up`")
    return await Client.connect(**found, data_converter=data_converter, lazy=lazy)
