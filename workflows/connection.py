"""Temporal, by its own standard environment configuration and with our converter."""

from temporalio.client import Client
from temporalio.envconfig import ClientConfig

from workflows.converter import data_converter


async def temporal_client(*, lazy: bool = False) -> Client:
    """A client. `lazy`: connects at its first call, so that a process can start while Temporal is away."""
    return await Client.connect(**ClientConfig.load_client_connect_config(), data_converter=data_converter, lazy=lazy)
