"""Rounds in turns, their medians, and the table."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from statistics import median

Round = Callable[[int], Awaitable[float]]
"""Does so many, checks that they were done, and gives how many were done in a second."""
Say = Callable[[str], None]


@dataclass(frozen=True)
class Pair:
    """A row to be measured: the same work by the product and by bare Temporal."""

    name: str
    product: Round
    product_is: str
    baseline: Round
    baseline_is: str


@dataclass(frozen=True)
class Measured:
    """A row of the table; per second, of each round and by their median."""

    pair: Pair
    products: Sequence[float]
    baselines: Sequence[float]

    @property
    def product(self) -> float:
        return median(self.products)

    @property
    def baseline(self) -> float:
        return median(self.baselines)

    @property
    def ratio(self) -> float:
        return self.product / self.baseline

    def as_json(self) -> dict[str, object]:
        return {
            "row": self.pair.name,
            "product_per_second": round(self.product, 2),
            "baseline_per_second": round(self.baseline, 2),
            "ratio": round(self.ratio, 3),
            "product": self.pair.product_is,
            "baseline": self.pair.baseline_is,
            "rounds": {
                "product": [round(one, 2) for one in self.products],
                "baseline": [round(one, 2) for one in self.baselines],
            },
        }


async def measure(pair: Pair, count: int, rounds: int, warm_up: int, say: Say) -> Measured:
    """The two sides in turns, so that whatever slows the machine down slows both."""
    await pair.product(warm_up)
    await pair.baseline(warm_up)
    products: list[float] = []
    baselines: list[float] = []
    for number in range(1, rounds + 1):
        for side, work, found in (("product", pair.product, products), ("baseline", pair.baseline, baselines)):
            found.append(await work(count))
            say(f"{pair.name}, round {number} of {rounds}: {side} {found[-1]:.1f}/s")
    return Measured(pair, products, baselines)


def table(rows: Sequence[Measured]) -> str:
    """The rows for people, and below what was measured."""
    lines = [f"{'':28} {'product/s':>10} {'baseline/s':>11} {'ratio':>6}"]
    lines += [f"{r.pair.name:28} {r.product:10.1f} {r.baseline:11.1f} {r.ratio:6.2f}" for r in rows]
    for row in rows:
        lines += ["", row.pair.name, f"  product:  {row.pair.product_is}", f"  baseline: {row.pair.baseline_is}"]
    return "\n".join(lines)
