"""What a card says, and how it is known again.

The failure prevented: a second card for one referral, and a colleague's own words overwritten. The description ends our
part with a line that names the referral; it is written by the very call that makes the card. What people write below
that line is theirs and stays; so does the card's name, once it is made.
"""

import re

from platforms.capabilities import PutCard, Who

LONGEST = 16_384
"""Characters of a description, and of a name."""
LONGEST_NOTES = 8_000

_MARK = re.compile(r"`?ovation:(?P<referral>[^\s`]+)")
_BELOW = "Ovation keeps the text above in step; what you write below stays."


def name(action: PutCard) -> str:
    """`New Ltd: referred by Ada Lovelace`."""
    return f"{_line(action.person.company) or _named(action.person)}: referred by {_named(action.advocate)}"[:500]


def description(action: PutCard, own: str = "") -> str:
    """Our part, the line that names the referral, and `own`, what people wrote below it."""
    mark = f"`ovation:{action.referral}` {_BELOW}"
    facts = "\n".join(filter(None, _facts(action)))
    room = max(min(LONGEST_NOTES, LONGEST - len(facts) - len(mark) - len(own) - 6), 0)
    parts = (facts, _notes(action.notes)[:room].strip(), mark, own)
    return "\n\n".join(part for part in parts if part)


def referral_of(text: str) -> str | None:
    """The referral that a card with this description is about, or None."""
    return _split(text)[0]


def own_words(text: str) -> str:
    """What people wrote below our line."""
    return _split(text)[1]


def _split(text: str) -> tuple[str | None, str]:
    """Trello's editor may put a backslash before signs that Markdown knows, an underscore among them."""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if found := _MARK.match(line.replace("\\", "")):
            return found["referral"], "\n".join(lines[number + 1 :]).strip()
    return None, text


def _facts(action: PutCard) -> list[str]:
    """Each line begins with a word of ours: no name of anybody's is taken for the line that names the referral."""
    return [
        f"Referred: {_known(action.person)}",
        f"By: {_known(action.advocate)}",
        f"Stage: {action.stage}",
        f"Worth: {action.amount}" if action.amount else "",
        f"Owner: {_line(action.owner_email)}" if action.owner_email else "",
        f"More: {_line(action.link)}" if action.link else "",
    ]


def _notes(notes: str) -> str:
    """Without lines that would be taken for the one that names the referral."""
    return "\n".join(line for line in notes.splitlines() if not _MARK.match(line.replace("\\", "")))


def _known(who: Who) -> str:
    return ", ".join(dict.fromkeys(filter(None, (_named(who), _line(who.company), _line(who.email)))))


def _named(who: Who) -> str:
    return " ".join(filter(None, (_line(who.first_name), _line(who.last_name)))) or _line(who.email) or "somebody"


def _line(text: str | None) -> str:
    return " ".join((text or "").split())
