"""What tests of effects share."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest

from activities.perform import DOERS
from models.program import Program
from platforms.capabilities import SendText
from tests.activities.vendor import prepare


@pytest.fixture
def texts() -> Iterator[None]:
    """A text message is whatever the test prepares."""
    with patch.dict(DOERS, {"text": (prepare, SendText)}):
        yield


@pytest.fixture
def program(program: Program) -> Program:
    """Without hours, so that a test does not depend on the time of day."""
    free = program.governance.model_copy(update={"quiet": None, "business": None})
    return program.model_copy(update={"governance": free})
