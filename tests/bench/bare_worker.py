"""The worker of the other side: `python -m tests.bench.bare_worker`, with Temporal's own environment configuration."""

import asyncio

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.worker import Worker

from tests.bench.bare import QUEUE, Bare, nothing


async def main() -> None:
    client = await Client.connect(**ClientConfig.load_client_connect_config())
    await Worker(client, task_queue=QUEUE, workflows=[Bare], activities=[nothing]).run()


if __name__ == "__main__":
    asyncio.run(main())
