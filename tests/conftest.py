"""What many tests share. Everything real: PostgreSQL and Temporal come as wheels."""

import os

os.environ.setdefault("TZ", "UTC")
