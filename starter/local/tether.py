"""Processes that end with the one that started them, by whatever way it ends.

The failure prevented: a demo or a test run is killed, and its servers live on, hold the ports and the data, and answer
the next run with yesterday's code. On Linux the kernel itself sends the parting signal; elsewhere a process that is
killed with SIGKILL leaves its children behind.
"""

import ctypes
import functools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

LOG_LIMIT = 10_000_000
"""Bytes after which a log is put aside as `*.log.1` before the next start."""

_PR_SET_PDEATHSIG = 1


class StartFailed(RuntimeError):
    """A part of the embedded stack did not come up. The message says why and names the log."""


@dataclass(frozen=True)
class Account:
    """Whom a process runs as, where that is not ourselves."""

    uid: int
    gid: int


def spawn(
    command: Sequence[str],
    log: Path,
    *,
    environment: Mapping[str, str],
    folder: Path,
    parting: signal.Signals = signal.SIGKILL,
    account: Account | None = None,
) -> subprocess.Popen[bytes]:
    """Starts `command` in `folder` with exactly this environment, output appended to `log`.

    It has a session of its own, so Ctrl-C in the terminal reaches only us and we end things in order. On Linux it gets
    the signal `parting` when we are gone. Raises OSError if the program cannot be run.
    """
    launch = functools.partial(_launch, command, log, environment, folder, _at_parting(parting), account)
    return _launcher(os.getpid()).submit(launch).result()


def end(process: subprocess.Popen[bytes], steps: Sequence[tuple[signal.Signals, float]]) -> None:
    """Ends the process: sends each signal in turn and waits so many seconds, then SIGKILL. Harmless if it has ended."""
    for request, seconds in steps:
        if process.poll() is None:
            process.send_signal(request)
        try:
            process.wait(seconds)
            return
        except subprocess.TimeoutExpired:
            continue
    process.kill()
    process.wait(10)


def last_words(log: Path, lines: int = 15) -> str:
    """The end of a log, for an error message."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 8_000))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])


@functools.cache
def _launcher(_pid: int) -> ThreadPoolExecutor:
    """The one thread that starts processes. (One for each process: a thread does not survive a fork.)

    Linux sends the parting signal when the *thread* that started the child ends, not the process. A thread of an event
    loop's pool may end at any time; this one lives until the interpreter exits.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="launcher")


def _launch(
    command: Sequence[str],
    log: Path,
    environment: Mapping[str, str],
    folder: Path,
    at_parting: Callable[[], None] | None,
    account: Account | None,
) -> subprocess.Popen[bytes]:
    _put_aside(log)
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - the commands are ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            cwd=folder,
            start_new_session=True,
            preexec_fn=at_parting,  # two system calls, prepared beforehand
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def _put_aside(log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_LIMIT:
        log.rename(log.with_name(log.name + ".1"))


def _at_parting(parting: signal.Signals) -> Callable[[], None] | None:
    """What the child does between fork and exec (after its change of user, which would undo it)."""
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None).prctl, os.getpid()

    def tie() -> None:
        prctl(_PR_SET_PDEATHSIG, int(parting), 0, 0, 0)
        if os.getppid() != parent:  # we died before the kernel knew of the wish
            os._exit(1)

    return tie
