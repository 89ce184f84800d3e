"""`python -m tests.chaos --referrals 1000 --seed 7`: plays it, prints the table, ends with 0 if all books agree."""

import argparse
import asyncio
import secrets
import sys

from tests.chaos.run import Plan, Result, run


def main() -> int:
    asked = argparse.ArgumentParser(prog="python -m tests.chaos", description="Referrals through crashes.")
    asked.add_argument("--referrals", type=int, default=1000)
    asked.add_argument("--seed", type=int, help="the world of an earlier run; a new one unless given")
    asked.add_argument("--pace", type=float, default=4.0, help="referrals begun in a second (4)")
    asked.add_argument("--window", type=float, default=20.0, help="seconds that the 30 days to return take (20)")
    asked.add_argument("--patience", type=float, default=900.0, help="seconds to wait for the last of it (900)")
    given = asked.parse_args()
    seed = secrets.randbelow(10**6) if given.seed is None else given.seed
    _say(f"{given.referrals} referrals, seed {seed}")
    result = asyncio.run(run(Plan(given.referrals, seed, given.window, given.pace, patience=given.patience), _say))
    _print(result)
    return 0 if result.good else 1


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


def _print(result: Result) -> None:
    width = max(len(what) for what, _ in result.table)
    for what, value in result.table:
        print(f"  {what:{width}}  {value}")
    for difference in result.differences:
        print(f"\nDIFFERENCE {difference}")
    print("\nAll books agree." if result.good else f"\n{len(result.differences)} differences.")


if __name__ == "__main__":
    sys.exit(main())
