"""A port nobody listens on: a demo must not fail because something else already uses 8080."""

import secrets
import socket

HOST = "127.0.0.1"
QUIET = range(20_000, 32_000)
"""Below the ports that systems give to connections going out: one of those may be gone again before a server binds."""


def free_port(preferred: int = 0) -> int:
    """`preferred` if nothing listens there on this machine's own address, else any free port (0: any)."""
    if preferred and _is_free(preferred):
        return preferred
    for _ in range(50):
        port = secrets.choice(QUIET)
        if _is_free(port):
            return port
    with _bound(0) as taken:
        return int(taken.getsockname()[1])


def _is_free(port: int) -> bool:
    # Asking is needed besides binding: macOS lets us bind where a server listens on all addresses.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as caller:
        caller.settimeout(0.5)
        if caller.connect_ex((HOST, port)) == 0:
            return False
    try:
        _bound(port).close()
    except (OSError, OverflowError):
        return False
    return True


def _bound(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # As the servers do: connections that were closed a moment ago do not keep the port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except BaseException:
        listener.close()
        raise
    return listener
