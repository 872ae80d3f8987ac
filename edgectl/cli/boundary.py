"""The only place where errors become messages and exit codes."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from edgectl.clock import SystemClock
from edgectl.errors import DetachedError, EdgectlError, ExitCode, InputError
from edgectl.logs import log_to_file
from edgectl.settings import Settings

_log = logging.getLogger(__name__)


@contextmanager
def boundary(settings: Settings, *, as_json: bool, verbose: bool) -> Iterator[None]:
    """Turn whatever a command raises into words on stderr and the contract's exit code."""
    log_file = log_to_file(settings.log_folder, SystemClock().now())
    try:
        yield
    except EdgectlError as error:
        _tell(error, as_json=as_json)
        raise typer.Exit(int(error.exit_code)) from None
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted\n")
        raise typer.Exit(ExitCode.INTERRUPTED) from None
    except BrokenPipeError:
        _close_stdout()
    except typer.Exit:
        raise
    except Exception as error:
        _log.exception("a bug in edgectl")
        if verbose:
            raise
        bug = EdgectlError(
            f"a bug in edgectl: {type(error).__name__}: {error}",
            hint=f"the traceback is in {log_file}" if log_file else "run it again with -v",
        )
        _tell(bug, as_json=as_json)
        raise typer.Exit(ExitCode.BUG) from None


def _close_stdout() -> NoReturn:
    """The reader went away, as `| head` does; that is its right."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(ExitCode.DONE)


def _tell(error: EdgectlError, *, as_json: bool) -> None:
    if as_json:
        sys.stderr.write(json.dumps({"error": _as_data(error)}) + "\n")
        return
    lines = error.message.splitlines()
    if isinstance(error, InputError) and any(problem.place for problem in error.problems):
        from edgectl.cli.problems import told

        count = len(error.problems)
        plural = "problem" if count == 1 else "problems"
        lines = [*told(error.problems), f"{count:,} {plural}; no host was contacted"]
    elif not isinstance(error, DetachedError):
        lines[0] = f"error: {lines[0]}"
    if error.hint:
        lines.append(f"try: {error.hint}")
    sys.stderr.write("\n".join(lines) + "\n")


def _as_data(error: EdgectlError) -> dict[str, object]:
    found: dict[str, object] = {
        "message": error.message,
        "hint": error.hint,
        "exit_code": int(error.exit_code),
    }
    if isinstance(error, InputError):
        found["problems"] = [
            {"message": problem.message, "place": str(problem.place) if problem.place else None}
            for problem in error.problems
        ]
    return found
