"""The failures prevented: data lost, or a server that will not start again, after a kill of it or of its parent; a
project under root's closed home folder that cannot start its database, or starts it by opening that home to everybody.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine

from starter.local import server_account
from starter.local.postgres import EmbeddedPostgres
from starter.local.tether import StartFailed

ROOT = Path(__file__).parents[3]

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to run the server as somebody else")


def run(url: str, statement: str) -> list[object]:
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return list(result.scalars()) if result.returns_rows else []
    finally:
        engine.dispose()


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A short path that everybody can pass, as in most projects: data and socket lie in the project."""
    with tempfile.TemporaryDirectory(prefix="pg-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def shared() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder / "postgres"


@pytest.fixture
def folder() -> Iterator[Path]:
    with open_folder() as folder:
        yield folder / "postgres"


@pytest.fixture(scope="module")
def server(shared: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(shared, durable=False)
    server.start()
    yield server
    server.destroy()
    assert not shared.exists()


def test_data_survives_a_kill_of_the_server(server: EmbeddedPostgres) -> None:
    url = server.create_database("kept")
    run(url, "CREATE TABLE word (text text)")
    run(url, "INSERT INTO word VALUES ('thanks')")
    server.kill()
    assert not server.alive
    server.start()
    assert run(server.url("kept"), "SELECT text FROM word") == ["thanks"]


def test_a_kill_of_the_postmaster_alone_is_survived(server: EmbeddedPostgres) -> None:
    """Its children take a moment to notice, and hold the shared memory until then."""
    idle = psycopg.connect(server.url().replace("+psycopg", ""))
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    server.start()
    assert server.alive
    idle.close()


def test_a_database_made_from_a_template_has_its_tables(server: EmbeddedPostgres) -> None:
    template = server.create_database("template_one")
    run(template, "CREATE TABLE gift (id int)")
    copy = server.create_database("test one", template="template_one")
    assert run(copy, "SELECT count(*) FROM gift") == [0]
    server.drop_database("test one")
    server.drop_database("test one")
    server.create_database("test one")
    server.drop_database("test one")


def test_a_database_is_ensured_once(server: EmbeddedPostgres) -> None:
    assert server.ensure_database("ensured") == server.ensure_database("ensured")
    with pytest.raises(psycopg.errors.DuplicateDatabase):
        server.create_database("ensured")


async def test_the_url_serves_async_engines(server: EmbeddedPostgres) -> None:
    engine = create_async_engine(server.url())
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT 1"))).scalar() == 1
    await engine.dispose()


async def test_it_may_be_started_from_a_thread_that_ends(folder: Path) -> None:
    server = EmbeddedPostgres(folder, durable=False)
    thread = threading.Thread(target=server.start)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert server.alive
    server.destroy()


def test_nobody_is_reached_over_the_network(server: EmbeddedPostgres) -> None:
    assert run(server.url(), "SHOW listen_addresses") == [""]
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


def test_a_running_server_is_joined_and_left_running(server: EmbeddedPostgres) -> None:
    guest = EmbeddedPostgres(server.folder)
    assert guest.start() == server.url()
    guest.stop()
    assert server.alive


def test_a_server_whose_starter_was_killed_gives_way_to_a_new_one(folder: Path) -> None:
    program = f"""
import time
from pathlib import Path
from starter.local.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path({str(folder)!r}), durable=False)
server.start()
server.create_database("kept")
print(server.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        before = int(parent.stdout.readline())
        parent.kill()
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    assert server.pid != before
    assert run(server.url("kept"), "SELECT 1") == [1]
    server.destroy()


def test_a_start_that_was_killed_half_way_is_begun_again(folder: Path) -> None:
    (folder / "data-unfinished").mkdir(parents=True)
    (folder / "data-unfinished" / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    server.destroy()


def test_a_pid_file_that_now_names_another_process_is_no_obstacle(folder: Path) -> None:
    """A container that starts again gives out the same small numbers."""
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    server.stop()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        pid_file = server.data / "postmaster.pid"
        pid_file.write_text(f"{other.pid}\n{server.data}\n1\n5432\n{server.data}\n\n0 0\nready\n")
        assert not server.alive
        server.start()
        assert server.pid not in (None, other.pid)
        server.destroy()
        other.communicate(b"\n")


def test_a_deep_folder_gets_its_socket_elsewhere(folder: Path) -> None:
    """A socket's path may have about a hundred bytes; a folder's may have thousands."""
    server = EmbeddedPostgres(folder / ("deep" * 30), durable=False)
    assert run(server.start(), "SELECT 1") == [1]
    assert server.data.is_relative_to(folder)
    server.destroy()


def test_a_broken_data_folder_is_reported_with_the_log(folder: Path) -> None:
    server = EmbeddedPostgres(folder, durable=False)
    server.start()
    server.stop()
    (server.data / "global" / "pg_control").unlink()
    with pytest.raises(StartFailed, match=r"postgres\.log"):
        server.start(seconds=10)
    assert not server.alive


@only_root
def test_root_with_a_closed_home_starts_it_and_keeps_the_home_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    wheel = Path(str(server_account.find_spec(server_account.WHEEL).origin)).parent  # type: ignore[union-attr]
    (home / "site-packages").mkdir()
    for name in (wheel.name, f"{wheel.name}.libs"):
        shutil.copytree(wheel.with_name(name), home / "site-packages" / name, ignore=shutil.ignore_patterns("include"))
    open_place = Path(tempfile.mkdtemp(prefix="ovation-test-", dir="/var/tmp"))
    open_place.chmod(0o755)
    monkeypatch.setattr(server_account, "ELSEWHERE", (open_place,))
    monkeypatch.syspath_prepend(str(home / "site-packages"))
    server = EmbeddedPostgres(home / "project" / ".ovation" / "postgres", durable=False)
    try:
        assert run(server.start(), "SELECT 1") == [1]
        assert server.data.is_relative_to(open_place)
        run(server.create_database("kept"), "CREATE TABLE word (text text)")
        server.kill()
        again = EmbeddedPostgres(server.folder, durable=False)
        again.start()
        assert run(again.url("kept"), "SELECT count(*) FROM word") == [0]
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        again.destroy()
        assert not server.data.exists()
    finally:
        server.destroy()
        shutil.rmtree(open_place)


@only_root
def test_programs_another_user_could_have_put_there_are_not_run(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(StartFailed, match="not root's alone"):
        server_account._refuse_strangers(tmp_path)
