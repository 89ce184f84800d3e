"""`python -m tests.bench`: measures, shows how far it is, prints the table."""

import argparse
import asyncio
import json
import sys

from tests.bench.journeys import journeys
from tests.bench.servers import servers
from tests.bench.table import Measured, Say, measure, table
from tests.bench.webhooks import webhooks

ROUNDS = 3
JOURNEYS = 100
WEBHOOKS = 300


async def run(rounds: int, of_journeys: int, of_webhooks: int, say: Say) -> list[Measured]:
    """The table's rows, measured; rounds of so many."""
    async with servers(say) as started:
        warm_up = min(of_journeys, 20)
        first = await measure(journeys(started), of_journeys, rounds, warm_up, say)
        await started.end_workers()
        return [first, await measure(webhooks(started), of_webhooks, rounds, min(of_webhooks, 20), say)]


def main() -> None:
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description="Product and bare Temporal, as ratios.")
    asked.add_argument("--json", action="store_true", help="the table as JSON, on stdout")
    asked.add_argument("--rounds", type=int, default=ROUNDS)
    asked.add_argument("--journeys", type=int, default=JOURNEYS, help=f"in a round of row 1 ({JOURNEYS})")
    asked.add_argument("--webhooks", type=int, default=WEBHOOKS, help=f"in a round of row 2 ({WEBHOOKS})")
    given = asked.parse_args()
    rows = asyncio.run(run(given.rounds, given.journeys, given.webhooks, _progress))
    if given.json:
        print(json.dumps([row.as_json() for row in rows], indent=2))
    else:
        print(f"\n{table(rows)}")


def _progress(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
