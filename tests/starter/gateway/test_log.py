"""Prevents: a person's name and address in the gateway's log, as the server writes it when something breaks."""

import asyncio
import logging

import httpx
import pytest
import uvicorn
from sqlalchemy import text

from sandbox.server import listen
from tests.starter.gateway.conftest import KEY, Door


async def test_the_traceback_of_a_broken_statement_tells_its_kind_and_no_value(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    async with door.engine.begin() as conn:
        await conn.execute(text("ALTER TABLE contacts ADD CHECK (last_name <> 'Canarelli')"))
    socket = listen(0)
    server = uvicorn.Server(uvicorn.Config(door.app, log_config=None, access_log=False, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve(sockets=[socket]))
    person = {"email": "canary@example.com", "first_name": "Canary", "last_name": "Canarelli"}
    event = {"type": "ovation.contact.updated", "subject": "email:canary@example.com", "data": {"person": person}}
    try:
        async with httpx.AsyncClient(trust_env=False) as http:
            url = f"http://127.0.0.1:{socket.getsockname()[1]}/events"
            answer = await http.post(url, json=event, headers=KEY)
    finally:
        server.should_exit = True
        await asyncio.wait_for(serving, 15)
    assert answer.status_code == 500
    logged = "\n".join(logging.Formatter().format(record) for record in caplog.records)
    assert "CheckViolation (SQLSTATE 23514)" in logged, "who mends it must know what it was"
    for mark in ("canary@", "Canary", "Canarelli"):
        assert mark not in logged
