"""Messages to colleagues."""

from collections.abc import Iterator

from authoring.desk import Desk, actions
from authoring.mistakes import Mistake


def notify_says_what(desk: Desk) -> Iterator[Mistake]:
    """A message to colleagues says to whom and what.

    Either to the success manager, `notify: { csm: new-advocate }`, or to a team's channel,
    `notify: { team: "#advocates", message: they-shared }`; not both, for only one of them would get it."""
    forms = 'write { csm: <message> }, or { team: "#channel", message: <message> }'
    for written in desk.playbooks:
        for path, _, action in actions(written.model):
            if action.verb == "notify" and set(action.params) not in ({"csm"}, {"team", "message"}):
                yield written.mistake(path, f"a message to colleagues says to whom and what: {forms}", key=True)
