"""One message in several languages."""

from collections.abc import Iterator

from authoring.desk import Desk
from authoring.mistakes import Mistake


def translations_agree(desk: Desk) -> Iterator[Mistake]:
    """A translation has the purpose of its message.

    The purpose decides whether a message counts as an ask; it cannot ask in German and thank in English."""
    for name in desk.messages.names:
        purpose = desk.messages.letter(name).heading.purpose
        for letter in desk.messages.letters[name].values():
            if letter.heading.purpose != purpose:
                words = f"the purpose here is {letter.heading.purpose}, that of {name}.md is {purpose}; make them one"
                yield letter.front.mistake(["purpose"], words, "")
