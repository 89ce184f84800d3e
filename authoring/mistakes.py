"""A mistake in a marketer's file: where it is, what is wrong, what is allowed, and which rule says so."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, order=True)
class Mistake:
    """Its text is `playbooks/x.yaml:12:5: message [rule]`; line and column count from 1."""

    file: str
    line: int
    column: int
    message: str
    rule: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message} [{self.rule}]"


class Mistakes(Exception):
    """Every mistake that was found, in the order of the files."""

    def __init__(self, found: Iterable[Mistake]) -> None:
        self.found = sorted(set(found))
        super().__init__("\n".join(str(mistake) for mistake in self.found))


_MEANT = {
    "referral.won": "referral.closed",
    "referral.converted": "referral.closed",
    "referral.created": "referral.submitted",
    "referral.refund": "referral.refunded",
    "reward.refunded": "reward.taken_back",
}
"""What people write → what they mean, where the nearest spelling means something else."""


def one_of(found: object, what: str, known: Iterable[str], other: str = "known") -> str:
    """`'x' is not what; did you mean 'y'?`, or the list of what is allowed where nothing is near."""
    names = sorted(known)
    meant = _MEANT.get(str(found))
    near = [meant] if meant in names else get_close_matches(str(found), names, n=1, cutoff=0.6)
    if near:
        return f"{found!r} is not {what}; did you mean {near[0]!r}?"
    return f"{found!r} is not {what}; {other}: {', '.join(names) or 'nothing'}"


_LISTED = re.compile(r"^'(?P<found>[^']*)' is not (?P<what>[^;]+); (?P<other>[^:]+): (?P<known>[a-z_., ]+)$")


def shortened(message: str) -> str:
    """A model's own words, with the nearest of a long list instead of the whole list."""
    match = _LISTED.match(message)
    if match is None:
        return message
    return one_of(match["found"], match["what"], match["known"].split(", "), match["other"])
