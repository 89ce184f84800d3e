"""One owner at a time: two `ovation up` on the same state folder would run two servers over the same files."""

import fcntl
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from starter.local.tether import StartFailed


class FolderLock:
    """An exclusive lock, kept by an open file: the kernel frees it when its holder ends, however it ends."""

    def __init__(self, path: Path, seconds: float = 0.0) -> None:
        """`seconds`: how long to wait for another holder."""
        self._path, self._seconds = path, seconds
        self._file: IO[bytes] | None = None

    def take(self) -> None:
        """Raises StartFailed if somebody else still holds it after the wait, or owns the folder."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("ab")
        except PermissionError as error:
            raise StartFailed(f"cannot write to {self._path.parent}: was it made as root? ({error})") from error
        deadline = time.monotonic() + self._seconds
        while not _locked(file):
            if time.monotonic() > deadline:
                file.close()
                raise StartFailed(f"another process uses {self._path.parent}: end it first, or use another folder")
            time.sleep(0.05)
        self._file = file

    def give(self) -> None:
        """Frees it. Harmless when not held."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.give()


def _locked(file: IO[bytes]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
