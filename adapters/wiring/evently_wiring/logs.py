"""One structured line for each thing worth knowing, never with a secret."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import Any, BinaryIO, cast

import structlog

FLUSH_SECONDS = 0.1


def configure_logs(log_format: str) -> None:
    """Write to stderr: readable in a ``console``, or one ``json`` object a line."""
    plain_traces = structlog.dev.plain_traceback  # the others print local variables, and with them tokens
    render: Callable[..., str | bytes] = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain_traces)
        if log_format == "console"
        else _json_line
    )
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if log_format == "json":
        processors.append(structlog.processors.format_exc_info)
    structlog.configure(
        processors=[*processors, render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=(
            structlog.PrintLoggerFactory(sys.stderr)
            if log_format == "console"
            else structlog.BytesLoggerFactory(
                cast(BinaryIO, Lines(sys.stderr.fileno()))
            )  # all it needs of one
        ),
        cache_logger_on_first_use=True,
    )


def _json_line(_: object, __: str, line: dict[str, Any]) -> bytes:
    return json.dumps(line, default=repr).encode()


class Lines:
    """A file that gets lines of the log, a tenth of a second late at the most.

    A request that writes its line itself lets go of the interpreter while the kernel takes it, and queues for it
    again behind all other threads. Of a process that is killed, the lines of that tenth are lost; the end of any
    other process writes them.
    """

    def __init__(self, descriptor: int) -> None:
        """Name where the lines go."""
        self._file: BinaryIO = open(descriptor, "wb", buffering=1 << 16, closefd=False)  # noqa: SIM115  # kept open
        self._waiting = threading.Event()
        Finalize(self, self._file.flush, exitpriority=0)
        threading.Thread(target=self._keep_flushing, name="log", daemon=True).start()

    def write(self, line: bytes) -> None:
        """Take a line; others may write at the same time."""
        self._file.write(line)
        if not self._waiting.is_set():
            self._waiting.set()

    def flush(self) -> None:
        """Do nothing: what is written goes out in a moment."""

    def _keep_flushing(self) -> None:
        while True:
            self._waiting.wait()
            time.sleep(FLUSH_SECONDS)
            self._waiting.clear()
            self._file.flush()
