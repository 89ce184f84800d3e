"""The server: uvicorn, and a connection that an application can end without an answer.

ASGI knows no way to hang up, and a vendor that does is what exactly-once has to be tried against.
"""

import socket
import struct
from typing import Any

import uvicorn
from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HOST = "127.0.0.1"
_AT_ONCE = struct.pack("ii", 1, 0)


class HangingUp(HttpToolsProtocol):
    """HTTP whose requests carry, in the scope's state, how to end their connection."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"]["hang_up"] = self._hang_up

    def _hang_up(self, reset: bool) -> None:
        if reset:
            connection = self.transport.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        self.transport.abort()


async def hang_up(scope: Scope, receive: Receive, *, reset: bool) -> None:
    """Ends the connection without an answer, by a TCP reset or by closing it. Raises RuntimeError on another server."""
    end: Any = scope.get("state", {}).get("hang_up")
    if end is None:
        raise RuntimeError("faults that end connections need the sandbox's own server: sandbox.server.server(app)")
    end(reset)
    while (await receive())["type"] != "http.disconnect":
        pass  # only once the loss is noticed may the application return without an answer


def server(app: Any) -> uvicorn.Server:
    """A server for the application: `run(sockets=[listen(port)])`, or `serve` in a running loop."""
    config = uvicorn.Config(
        app,
        http=HangingUp,
        ws="none",
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=75,  # longer than a client keeps an idle connection, or it may meet one just closed
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def listen(port: int) -> socket.socket:
    """A listening socket on this machine alone; port 0 takes a free one. Raises OSError where the port is taken."""
    return socket.create_server((HOST, port), backlog=2048)
