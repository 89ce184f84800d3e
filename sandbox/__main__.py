"""`python -m sandbox`: runs the sandbox on 127.0.0.1 until SIGTERM or Ctrl-C."""

import argparse
import logging
import os
import signal
import sys

from pydantic import ValidationError

from sandbox.app import create_app
from sandbox.server import HOST, listen, server
from sandbox.vendors import found


def main() -> int:
    asked = _arguments()
    logging.basicConfig(format="%(levelname)s %(name)s: %(message)s")
    # uvicorn ends in good order and then raises the signal again: that is to be a clean exit, not a death.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        vendors = found()
    except ValidationError as error:
        return _refuse(f"a platform's settings in the environment cannot be read: {error}")
    try:
        listening = listen(asked.port)
    except OSError as error:
        return _refuse(f"port {asked.port} of {HOST}: {os.strerror(error.errno or 0)}; choose another by --port")
    print(f"sandbox: http://{HOST}:{listening.getsockname()[1]} (webhooks to {asked.gateway})", flush=True)
    try:
        server(create_app(vendors, asked.gateway, os.environ.get("OVATION_PUBLIC_URL"))).run(sockets=[listening])
    except KeyboardInterrupt:
        return 0
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox",
        description="Every vendor's stand-in as one local service.",
        epilog="Example: python -m sandbox --port 8090 --gateway http://127.0.0.1:8080",
    )
    parser.add_argument(
        "--port",
        type=int,
        default=os.environ.get("OVATION_SANDBOX_PORT") or "8090",
        help="port on 127.0.0.1; 0 takes a free one (OVATION_SANDBOX_PORT, 8090)",
    )
    parser.add_argument(
        "--gateway",
        type=_url,
        default=os.environ.get("OVATION_PUBLIC_URL") or "http://127.0.0.1:8080",
        help="where webhooks go: the gateway's public URL (OVATION_PUBLIC_URL, http://127.0.0.1:8080)",
    )
    return parser.parse_args()


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no URL: it begins with http:// or https://")
    return text


def _refuse(why: str) -> int:
    print(f"sandbox: {why}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
