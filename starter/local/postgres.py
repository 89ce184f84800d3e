"""PostgreSQL from a wheel: one server on one data folder, reached by a Unix socket.

The failures prevented: data lost or a server that will not start again after a kill, of it or of us; two servers over
one folder; a wait without end. The wheel's own Python is not used: run as root it opens every folder above the data,
the user's home among them, to everybody. See `server_account` for what is done instead.
"""

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql
from sqlalchemy import URL

from starter.local.cluster import (
    SOCKET,
    USER,
    data_folder,
    environment,
    forget_dead_server,
    initialize,
    own,
    running,
    settle,
    stop_orphan,
)
from starter.local.lock import FolderLock
from starter.local.server_account import installation, server_account
from starter.local.tether import Account, StartFailed, end, last_words, spawn

SOCKET_PATH_LIMIT = 100
"""Bytes. Linux allows 107, macOS 103."""

# PostgreSQL's words for shutting down: end the sessions and write everything; or leave the rest to the next start.
_FAST, _AT_ONCE = (signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0)

_SETTINGS = ("listen_addresses=", "port=5432", "unix_socket_permissions=0700", "max_connections=200", "timezone=UTC")
_HASTY = ("fsync=off", "full_page_writes=off")

_NOT_YET = ("is still in use", "already exists")
"""What PostgreSQL says while processes of a killed server are still ending."""


class EmbeddedPostgres:
    """A PostgreSQL server for one project or one test run.

    `folder` keeps its log and its data; as root, where the server cannot reach it, the data lies elsewhere and
    `folder/location` says where. `durable=False` is for tests: it survives a kill, not a power cut.
    """

    def __init__(self, folder: Path | None = None, *, durable: bool = True) -> None:
        self.folder = (folder or Path(".ovation") / "postgres").absolute()
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None
        self._sockets: Path | None = None

    @property
    def log(self) -> Path:
        return self.folder / "postgres.log"

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder."""
        return data_folder(self.folder)

    @property
    def pid(self) -> int | None:
        """The server's process id while it runs, whoever started it."""
        found = running(self.data)
        return found[0] if found else None

    @property
    def alive(self) -> bool:
        return self.pid is not None

    def start(self, seconds: float = 60.0) -> str:
        """Starts the server, or joins the one that runs on this folder. Returns the URL of database `postgres`.

        Raises StartFailed, naming the log, if it does not answer in time."""
        deadline = time.monotonic() + seconds
        with FolderLock(self.folder / "lock", seconds):
            if not self._join(deadline):
                self._start(deadline)
        return self.url()

    def stop(self) -> None:
        """Stops the server if this object started it; one that was only joined runs on."""
        self._end([_FAST, _AT_ONCE])

    def kill(self) -> None:
        """Kills the server (SIGKILL) if this object started it, as a crash would."""
        self._end([(signal.SIGKILL, 10.0)])

    def destroy(self) -> None:
        """Stops the server and removes its data, wherever it lies. Raises StartFailed if another process runs it."""
        self.stop()
        if self.alive:
            raise StartFailed(f"another process runs the server on {self.folder}: end that first")
        home = self.data.parent
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str = USER) -> str:
        """SQLAlchemy's URL of a database, for sync and async engines alike. Raises StartFailed if no server runs."""
        address = URL.create("postgresql+psycopg", USER, database=database, query={"host": str(self._host())})
        return address.render_as_string(hide_password=False)

    def create_database(self, name: str, template: str | None = None) -> str:
        """Creates a database, as a copy of `template` if one is named; nobody may be connected to that. Returns its
        URL. Raises psycopg.errors.DuplicateDatabase if there is one of this name."""
        source = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + source)
        return self.url(name)

    def ensure_database(self, name: str) -> str:
        """The database's URL; created if it is not there."""
        try:
            return self.create_database(name)
        except psycopg.errors.DuplicateDatabase:
            return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drops a database, in use or not, there or not."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _join(self, deadline: float) -> bool:
        """Is there a server to use? One whose starter is gone is on its way out, or ought to be."""
        if running(self.data) is None:
            return False
        if not self._starter_lives():
            stop_orphan(self.data)
            return False
        while running(self.data) is not None:
            if self._answers():
                return True
            self._check(deadline)
            time.sleep(0.05)
        return False  # it was just being stopped

    def _start(self, deadline: float) -> None:
        account = server_account(self.data)
        data, programs = settle(self.folder, account), installation(account) / "bin"
        initialize(data, account, programs, self.log, durable=self._durable)
        forget_dead_server(data)
        (self.folder / "starter").write_text(f"{os.getpid()}\n")
        atexit.register(self.stop)
        try:
            self._sockets = _sockets(data, account)
            while not self._launched(data, programs, account, deadline):
                time.sleep(0.2)
        except BaseException:
            self.stop()
            raise

    def _launched(self, data: Path, programs: Path, account: Account | None, deadline: float) -> bool:
        """Starts the program and waits for it. False if it should be tried again: something is still in the way."""
        before = self.log.stat().st_size if self.log.exists() else 0
        command = [str(programs / "postgres"), "-D", str(data), "-k", str(self._sockets)]
        for setting in (*_SETTINGS, *(() if self._durable else _HASTY)):
            command += ["-c", setting]
        self._process = spawn(
            command,
            self.log,
            environment=environment(),
            folder=Path("/"),
            parting=signal.SIGINT,
            account=account,
        )
        while self._process.poll() is None:
            if self._answers():
                return True
            self._check(deadline)
            time.sleep(0.02)
        said = self.log.read_bytes()[before:].decode(errors="replace")
        if any(words in said for words in _NOT_YET) and time.monotonic() < deadline:
            return False
        raise StartFailed(f"PostgreSQL ended at once. Its log, {self.log}, ends:\n{last_words(self.log)}")

    def _check(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise StartFailed(f"PostgreSQL does not answer. Its log, {self.log}, ends:\n{last_words(self.log)}")

    def _end(self, steps: list[tuple[signal.Signals, float]]) -> None:
        atexit.unregister(self.stop)
        if self._process is not None:
            end(self._process, steps)
        if self._sockets is not None and self._sockets != self.data:
            shutil.rmtree(self._sockets, ignore_errors=True)
        self._process = self._sockets = None

    def _starter_lives(self) -> bool:
        try:
            os.kill(int((self.folder / "starter").read_text()), 0)
        except PermissionError:
            return True
        except (OSError, ValueError):
            return False
        return True

    def _host(self) -> Path:
        found = running(self.data)
        if found is None:
            raise StartFailed(f"PostgreSQL is not running on {self.folder}. Its log: {self.log}")
        return found[1]

    def _answers(self) -> bool:
        try:
            self._run(sql.SQL("SELECT 1"))
        except (psycopg.OperationalError, StartFailed):
            return False
        return True

    def _run(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(
            host=str(self._host()), port=5432, user=USER, dbname=USER, autocommit=True, connect_timeout=5
        ) as connection:
            connection.execute(statement)


def _sockets(data: Path, account: Account | None) -> Path:
    """The folder for the server's socket: the data's own, or a short one, since a socket's path must be."""
    if len(os.fsencode(data / SOCKET)) <= SOCKET_PATH_LIMIT:
        return data
    folder = Path(tempfile.mkdtemp(prefix="ovation-", dir="/tmp"))
    own(folder, account)
    return folder
