"""How the `opscheck` command begins, and the pytest that `opscheck run` starts: both can be ended from then on.

What takes long to import comes after that. Run as a file it is pytest: as a module of this package it would be imported
before pytest could rewrite the package's assertions.
"""

import os
import signal
import sys

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""By which a process is asked to end."""
ENDS_WITH = "OPSCHECK_WORKER_FD"
"""The variable with the open end of a pipe that closes when the worker ends that has started a run, however it does."""
_INTERRUPTED = 2  # as in results.py, which would take long to import here


def take() -> None:
    """Have this process end with exit status 2 where it is asked to; what it ignores already it goes on to ignore."""
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
            signal.signal(number, end)


def end(number: int, _frame: object) -> None:
    """End at once: nothing has begun that would have to be ended, or told."""
    os.write(2, f"opscheck: ended by {signal.Signals(number).name}\n".encode())
    os._exit(_INTERRUPTED)


end.gives_way = True  # type: ignore[attr-defined]  # to the session, which has more to end; it may know this as __main__'s


def pytest_command(suite: str, arguments: tuple[str, ...]) -> list[str]:
    """Return the command that runs a suite.

    Who starts it may do so with SIGNALS blocked: they wait until it can take them.
    """
    return [sys.executable, __file__, "-m", suite, *arguments]


def _pytest() -> int:
    take()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    if not sys.flags.safe_path:  # as `python -m pytest` has it
        sys.path[0] = os.getcwd()  # noqa: PTH109 - pathlib takes its time
    sys.argv[0] = "pytest"
    import pytest

    try:
        status = pytest.main()
        sys.stdout.flush()
    except BrokenPipeError:  # as pytest's own command has it: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(_pytest())
