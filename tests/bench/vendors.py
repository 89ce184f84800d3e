"""The sandbox as the bench uses it: a video is there at once, and no vendor tells us anything.

So nothing is waited for, and a round holds what was ordered and nothing else. Row 2 measures what vendors tell.
"""

import sys
from collections.abc import Iterable
from datetime import timedelta

from platforms.sendspark import stand_in as sendspark
from platforms.stand_in import Webhook
from sandbox.__main__ import main
from sandbox.vendors import Vendor
from sandbox.webhooks import Webhooks


def _tell_nothing(self: Webhooks, vendor: Vendor, webhooks: Iterable[Webhook]) -> None:
    return


if __name__ == "__main__":
    assert timedelta() < sendspark.RENDERING, "the name is still what delays a video"
    sendspark.RENDERING = timedelta()
    Webhooks.send = _tell_nothing  # type: ignore[method-assign]
    sys.exit(main())
