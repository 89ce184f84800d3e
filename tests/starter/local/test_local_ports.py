"""The failure prevented: a demo that fails, or worse talks to a stranger, because its port was already in use."""

import socket

from starter.local.ports import HOST, free_port


def test_a_free_port_is_kept() -> None:
    port = free_port()
    assert free_port(port) == port


def test_a_taken_port_is_replaced() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        other = free_port(port)
    assert other != port


def test_a_port_taken_on_all_addresses_is_replaced() -> None:
    with socket.create_server(("", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) != port


def test_a_port_just_closed_is_free_again() -> None:
    with socket.create_server((HOST, 0)) as server:
        address = server.getsockname()
        caller = socket.create_connection(address)
        answerer, _ = server.accept()
        answerer.close()  # the side that closes first is left waiting
        caller.close()
    assert free_port(address[1]) == address[1]
