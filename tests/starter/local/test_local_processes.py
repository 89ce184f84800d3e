"""The failures prevented: a part of the stack outlives its parent and answers the next run with yesterday's code; a
part that does not come up leaves the user waiting, without a word of its log."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from starter.local.ports import free_port
from starter.local.processes import Child
from starter.local.tether import StartFailed

ROOT = Path(__file__).parents[3]
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)"


@contextlib.contextmanager
def web_server(state: Path) -> Iterator[Child]:
    port = free_port()
    child = Child(
        "web",
        ("-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(state)),
        state,
        ready_url=f"http://127.0.0.1:{port}/",
    )
    child.start()
    try:
        yield child
    finally:
        child.kill()


def eventually(true: Callable[[], bool], seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def gone(pid: int) -> bool:
    """Ended, though nobody may have asked for its exit status yet."""
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state in "ZX"
    return True


def test_it_is_ready_when_started_and_gone_when_stopped(tmp_path: Path) -> None:
    with web_server(tmp_path) as child:
        assert child.alive
        child.stop()
        assert not child.alive
        assert child.pid is None


def test_a_killed_child_comes_back_on_its_port(tmp_path: Path) -> None:
    with web_server(tmp_path) as child:
        before = child.pid
        child.restart()
        assert child.alive
        assert child.pid != before


def test_a_child_that_ends_at_once_is_reported_with_its_last_words(tmp_path: Path) -> None:
    child = Child("sad", ("-c", "raise SystemExit('no such playbook')"), tmp_path, ready_url="http://127.0.0.1:9/")
    with pytest.raises(StartFailed, match=r"(?s)sad\.log.*no such playbook"):
        child.start()


def test_a_child_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    child = Child("slow", ("-c", "import time; time.sleep(60)"), tmp_path, ready_url=f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(StartFailed, match="not ready"):
        child.start(seconds=0.3)
    assert not child.alive


def test_a_stranger_on_its_address_is_not_taken_for_it(tmp_path: Path) -> None:
    with web_server(tmp_path) as stranger:
        child = Child("gateway", ("-c", "pass"), tmp_path, ready_url=stranger.ready_url)
        with pytest.raises(StartFailed, match="something else already answers"):
            child.start()


def test_a_child_deaf_to_sigterm_is_killed_in_time(tmp_path: Path) -> None:
    child = Child("deaf", ("-c", STUBBORN), tmp_path)
    child.start()
    assert eventually(lambda: "up" in child.log.read_text())
    child.stop(grace=0.2)
    assert not child.alive


def test_its_environment_is_added_to_ours(tmp_path: Path) -> None:
    program = "import os; print(os.environ['OVATION_WORD'], 'PATH' in os.environ)"
    child = Child("env", ("-c", program), tmp_path, {"OVATION_WORD": "thanks"})
    child.start()
    assert eventually(lambda: not child.alive)
    assert child.log.read_text().split() == ["thanks", "True"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent is gone")
@pytest.mark.parametrize("request_", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_with_its_parent(tmp_path: Path, request_: signal.Signals) -> None:
    program = f"""
import time
from pathlib import Path
from starter.local.processes import Child
child = Child("deaf", ("-c", {STUBBORN!r}), Path({str(tmp_path)!r}))
child.start()
print(child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert eventually(lambda: "up" in (tmp_path / "deaf.log").read_text())
        assert not gone(pid)
        os.kill(parent.pid, request_)
        parent.wait(10)
    assert eventually(lambda: gone(pid))


def test_a_child_does_not_end_with_the_thread_that_started_it(tmp_path: Path) -> None:
    """Linux ties a child to the thread that made it; an event loop's threads come and go."""
    child = Child("thread", ("-c", STUBBORN), tmp_path)
    thread = threading.Thread(target=child.start)
    thread.start()
    thread.join()
    assert eventually(lambda: "up" in child.log.read_text())
    assert child.alive
    child.kill()
