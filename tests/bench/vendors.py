"""The sandbox as the bench uses it: no vendor tells us anything. So a round holds what was ordered and nothing else;
row 2 measures what vendors tell."""

import sys
from collections.abc import Iterable

from platforms.stand_in import Webhook
from sandbox.__main__ import main
from sandbox.vendors import Vendor
from sandbox.webhooks import Webhooks


def _tell_nothing(self: Webhooks, vendor: Vendor, webhooks: Iterable[Webhook]) -> None:
    return


if __name__ == "__main__":
    Webhooks.send = _tell_nothing  # type: ignore[method-assign]
    sys.exit(main())
