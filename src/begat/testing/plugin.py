"""The pytest plugin of `begat.testing.under_capture`: writes down what comes of each test, and captures when told to.

It is told by the environment, which reaches the workers of pytest-xdist too. Lines are appended as things happen: of a
process that dies the last line says where.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import time
from collections.abc import Generator
from types import TracebackType
from typing import Any

import pytest

from begat.testing import TOLD

_NAME = pytest.StashKey[str]()
_KEPT = 100  # runs, for their objects to be known in later ones
_READ = 1_000  # rows; the record of a test that has more is not read back


class _Told:
    """What the environment says: the *file* to write to, the patterns to *watch* or None, the ids to *keep* or None."""

    def __init__(self) -> None:
        told = json.loads(os.environ[TOLD])
        self.file: str = told["file"]
        self.watch: list[str] | None = told["watch"]
        self.keep: set[str] | None = None if told["keep"] is None else set(told["keep"])

    def write(self, **line: Any) -> None:
        handle = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, json.dumps(line).encode() + b"\n")
        finally:
            os.close(handle)


_told = _Told() if TOLD in os.environ else None


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Watch before the first module of the package is imported, which its conftest does."""
    if _told is not None and _told.watch is not None:
        import begat.capture.session  # noqa: F401  # what is tracked is recorded by the session
        from begat.intercept.watching import Watch

        Watch(tuple(_told.watch)).start()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of the tests that were collected, those that are to be run."""
    if _told is None:
        return
    folders = {os.path.join(os.path.realpath(folder), "") for folder in (os.getcwd(), *sys.path)}
    for item in items:
        item.stash[_NAME] = _named(item, folders)
    if _told.keep is not None:
        dropped = [item for item in items if item.stash[_NAME] not in _told.keep]
        items[:] = [item for item in items if item.stash[_NAME] in _told.keep]
        config.hook.pytest_deselected(items=dropped)


def _named(item: pytest.Item, folders: set[str]) -> str:
    """The file of *item* from where it is imported, and the rest of its id: pytest's own is the same for two files that it was given."""
    file = os.path.realpath(item.path)
    known = max((folder for folder in folders if file.startswith(folder)), key=len, default="")
    return f"{file[len(known) :]}::{item.nodeid.partition('::')[2]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Each test is a run of its own, whose record is written and read back, if it is no giant."""
    if _told is None:
        return (yield)
    name = item.stash[_NAME]
    _told.write(begins=name)
    result = (yield from _timed(name, _told)) if _told.watch is None else (yield from _captured(name, _told))
    _told.write(ends=name)
    return result


def _timed(name: str, told: _Told) -> Generator[None, object, object]:
    """Of the processor, not of the clock: other processes have no part in it."""
    begin = time.process_time()
    result = yield
    told.write(took=name, seconds=time.process_time() - begin)
    return result


def _captured(name: str, told: _Told) -> Generator[None, object, object]:
    from begat.capture.scopes import capture
    from begat.capture.session import session

    run: Any
    with capture(name) as run:
        result = yield from _timed(name, told)
    run._found = _environment()  # once for all: to ask git for each takes longer than most tests do
    try:
        rows = len(run.recorder.rows)
        told.write(nodes=rows - len(run.recorder.again))  # those are events of objects that had a node
        wrong = _unreadable(run) if rows <= _READ else None
    except Exception as error:
        wrong = f"{type(error).__name__}: {error}"
    if wrong:
        told.write(wrong=wrong, id=name)
    del session._ended[:-_KEPT]  # what the package caches would keep the runs of all tests
    return result


@functools.cache
def _environment() -> Any:
    from begat.introspect.environment import collect

    return collect()


def _unreadable(run: Any) -> str | None:
    from begat.record.codec import dumps, loads

    data = dumps(run)
    return None if dumps(loads(data)) == data else "the record reads back as another"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> Generator[None, Any, Any]:
    """The name goes with the report, from the workers of pytest-xdist too."""
    if _told is not None and call.excinfo is not None:
        call.excinfo = pytest.ExceptionInfo.from_exception(_lined(call.excinfo.value))
    report = yield
    if _told is not None:
        report.begat_name = item.stash[_NAME]
    return report


def _lined(error: BaseException) -> BaseException:
    """*error* with a line in each entry of its tracebacks: begat's instructions have none, at which pytest would end."""
    each: BaseException | None = error
    seen: list[BaseException] = []
    while each is not None and not any(each is known for known in seen):
        seen.append(each)
        trace, entries = each.__traceback__, []
        while trace is not None:
            entries.append(trace)
            trace = trace.tb_next
        for entry in reversed(entries):
            line: int | None = entry.tb_lineno
            trace = TracebackType(
                trace, entry.tb_frame, entry.tb_lasti, entry.tb_frame.f_code.co_firstlineno if line is None else line
            )
        each.__traceback__ = trace
        each = each.__cause__ or each.__context__
    return error


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A file could not be collected: that is an outcome too."""
    if _told is not None and report.failed:
        _told.write(id=f"collection of {report.nodeid or 'all'}", outcome="error", text=report.longreprtext)


class _Reports:
    """Where tests are reported: not in the workers of pytest-xdist, whose reports arrive at their controller."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of a test is over."""
        assert _told is not None
        outcome = _outcome(report)
        if outcome is not None:
            text = report.longreprtext if outcome in ("failed", "error") else ""
            name = getattr(report, "begat_name", report.nodeid)  # that of a worker that died is xdist's
            _told.write(id=name, outcome=outcome, text=text[-4000:])

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """All is over."""
        assert _told is not None
        _told.write(finished=int(exitstatus))


def pytest_configure(config: pytest.Config) -> None:
    """Begin to report."""
    if _told is not None and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Reports(), "begat-reports")


def _outcome(report: pytest.TestReport) -> str | None:
    """What *report*, of one phase, says of the test; None if nothing."""
    expected = hasattr(report, "wasxfail")
    if report.failed:
        return "failed" if report.when == "call" else "error"
    if report.skipped:
        return "xfailed" if expected else "skipped"
    if report.when == "call":
        return "xpassed" if expected else "passed"
    return None
