"""PostgreSQL's data folder: where it lies, how it is made, and whether a server runs on it.

The failure prevented: a start that was killed half-way leaves a folder that looks finished. It is made under another
name and renamed when complete.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from starter.local.server_account import new_folder_elsewhere, reachable
from starter.local.tether import Account, StartFailed, last_words, spawn

USER = "postgres"
SOCKET = ".s.PGSQL.5432"

_INITDB = ("--username", USER, "--auth=trust", "--encoding=UTF8", "--no-locale")
_SAME_ON_ALL_MACHINES = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8")


def data_folder(folder: Path) -> Path:
    """Where the data of this state folder lies: in it, or where its file `location` says."""
    pointer = folder / "location"
    return Path(pointer.read_text().strip() if pointer.exists() else folder) / "data"


def settle(folder: Path, account: Account | None) -> Path:
    """The data folder, in a place the account can reach: moved elsewhere before there is data, not after.

    Raises StartFailed if existing data is gone or out of reach."""
    pointer, data = folder / "location", data_folder(folder)
    if pointer.exists():
        if not data.parent.exists():
            raise StartFailed(f"the data in {data} is gone: remove {folder} to begin anew")
    elif not reachable(folder, account):
        if data.exists():
            raise StartFailed(f"user {account.uid if account else 'we'} cannot reach {data}: remove or move {folder}")
        assert account is not None  # ourselves, we reach everything of ours
        pointer.write_text(f"{new_folder_elsewhere(account, folder)}\n")
        data = data_folder(folder)
    return data


def initialize(data: Path, account: Account | None, programs: Path, log: Path, *, durable: bool) -> None:
    """Makes the data folder, by initdb, unless it is there."""
    if data.exists():
        return
    fresh = data.with_name("data-unfinished")
    shutil.rmtree(fresh, ignore_errors=True)
    own(fresh, account)
    command = [str(programs / "initdb"), "--pgdata", str(fresh), *_INITDB, *_SAME_ON_ALL_MACHINES]
    command += [] if durable else ["--no-sync"]
    process = spawn(command, log, environment=environment(), folder=Path("/"), account=account)
    try:
        status = process.wait(120)
    except subprocess.TimeoutExpired:
        process.kill()
        status = process.wait(10)
    if status != 0:
        raise StartFailed(f"initdb failed ({status}). The log, {log}, ends:\n{last_words(log)}")
    fresh.rename(data)


def own(folder: Path, account: Account | None) -> None:
    """Makes a folder that only the server (and root) may enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def environment() -> Mapping[str, str]:
    """Ours without libpq's settings, which speak of another server. On macOS a server without LC_ALL may not start."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("PG")}, "LC_ALL": "C"}


def running(data: Path) -> tuple[int, Path] | None:
    """Process id and socket folder of the server on this data, if one listens.

    The pid file alone says nothing: after a kill it stays, and its number may since belong to another process."""
    lines = _pid_file(data)
    if len(lines) < 5 or not lines[4]:
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(2.0)
        try:
            caller.connect(str(Path(lines[4]) / SOCKET))
        except OSError:
            return None
    return int(lines[0]), Path(lines[4])


def stop_orphan(data: Path, seconds: float = 20.0) -> None:
    """Stops a server whose starter is gone (which only happens where the kernel does not do it)."""
    for request in (signal.SIGINT, signal.SIGQUIT):
        found = running(data)
        if found is None:
            return
        os.kill(found[0], request)
        deadline = time.monotonic() + seconds
        while running(data) is not None and time.monotonic() < deadline:
            time.sleep(0.05)


def forget_dead_server(data: Path) -> None:
    """Removes a pid file whose number now belongs to something else, as happens when a container starts again:
    PostgreSQL would take that for itself and refuse to start. Only where the system tells (Linux)."""
    lines = _pid_file(data)
    if not lines or not lines[0].isdigit():
        return
    name = Path(f"/proc/{lines[0]}/comm")
    try:
        if name.read_text().strip() != "postgres":
            (data / "postmaster.pid").unlink(missing_ok=True)
    except OSError:
        return


def _pid_file(data: Path) -> list[str]:
    try:
        return [line.strip() for line in (data / "postmaster.pid").read_text().splitlines()]
    except OSError:
        return []
