"""A playbook as it travels: parsed once for each distinct content, however many journeys carry it."""

import json
from collections import OrderedDict
from typing import Any

from models.playbook import Playbook

_KEPT = 64
_parsed: OrderedDict[str, Playbook] = OrderedDict()


def playbook_from(content: dict[str, Any]) -> Playbook:
    """The playbook of this content. The same content is parsed once."""
    text = json.dumps(content, sort_keys=True)
    playbook = _parsed.get(text)
    if playbook is None:
        playbook = Playbook.model_validate(content)
        _parsed[text] = playbook
        while len(_parsed) > _KEPT:
            _parsed.popitem(last=False)
    return playbook
