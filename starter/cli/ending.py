"""How a process of ours ends: with its status, at once.

The failure prevented: a command that has done its work and dies all the same. Threads of the Temporal SDK outlive the
event loop; one that asks for the interpreter while that shuts down aborts the process ("Fatal Python error:
PyGILState_Release", status 134; in up to every second run with temporalio 1.35). So the interpreter does not shut down:
what was written is flushed, and the process is over. Whatever has to be closed is closed by the work itself.
"""

import os
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from starter.cli.trouble import trouble_of

INTERRUPTED = 130
"""As shells tell of Ctrl-C."""


def to_the_end(work: Callable[[], object]) -> NoReturn:
    """Does the work and ends the process: with 0, or the status the work exits with; when it fails, with the reason on
    stderr and 1 or 2 (see `starter.cli.trouble`)."""
    status = _status(work)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:  # nobody reads it, or there is no room for it
            status = status or 1
    os._exit(status)


def _status(work: Callable[[], object]) -> int:
    try:
        work()
    except SystemExit as ended:
        return _of(ended.code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BaseException as error:
        found = trouble_of(error)
        if found is None:
            traceback.print_exc()
            return 1
        print(found.words, file=sys.stderr)
        return found.status
    return 0


def _of(code: object) -> int:
    """As the interpreter reads `sys.exit(…)`: words are an error."""
    if code is None or isinstance(code, int):
        return code or 0
    print(code, file=sys.stderr)
    return 1
