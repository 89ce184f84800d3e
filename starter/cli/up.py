"""`ovation up`: the embedded stack, kept running. Its addresses lie in the state folder, for the other commands."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Annotated

import typer

from models.settings import Settings
from starter.cli.console import Json, err, out, run
from starter.local.stack import Stack
from starter.local.whereabouts import STATE, forget, remember, remember_processes


def up(
    sandbox: Annotated[bool, typer.Option(help="Adds the vendors' sandbox and points every platform at it.")] = False,
    state: Annotated[Path, typer.Option(help="Where everything is kept.", file_okay=False)] = STATE,
    as_json: Json = False,
) -> None:
    """Runs everything on this machine: database, Temporal with its UI, worker, gateway.

    Example: ovation up --sandbox"""
    run(_up(Stack(state, Settings(), sandbox=sandbox), as_json))


async def _up(stack: Stack, as_json: bool) -> None:
    stop = asyncio.Event()
    for which in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(which, stop.set)
    say = err.print if as_json else out.print
    starting = asyncio.create_task(stack.start(say))
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([starting, stopped], return_when=asyncio.FIRST_COMPLETED)
    try:
        if stop.is_set() and not starting.done():
            starting.cancel()
            return
        await starting
        remember(stack)
        _tell(stack, as_json)
        while not stop.is_set():
            remember_processes(stack)
            await asyncio.wait([stopped], timeout=1.0)
            if not stop.is_set():
                await stack.revive(say)
    finally:
        forget(stack)
        stack.stop()


def _tell(stack: Stack, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"ready": True, **stack.addresses()}), flush=True)
        return
    out.print("\nOvation is up. Ctrl-C ends it; everything is kept.\n")
    for name, url in stack.addresses().items():
        out.print(f"  {name.replace('_', ' '):12} {url}", soft_wrap=True)
