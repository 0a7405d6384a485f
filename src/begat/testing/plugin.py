"""The pytest plugin of `begat.testing.under_capture`: writes down what comes of each test, and captures when told to.

It is told by the environment, which reaches the workers of pytest-xdist too. Lines are appended as things happen: of a
process that dies the last line says where.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from begat.testing import TOLD

_READ = 20_000  # nodes; the record of a test that builds more is not read back


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
    if _told is not None and _told.keep is not None:
        dropped = [item for item in items if item.nodeid not in _told.keep]
        items[:] = [item for item in items if item.nodeid in _told.keep]
        config.hook.pytest_deselected(items=dropped)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Each test is a run of its own, whose record is written and read back, if it is no giant."""
    if _told is None or _told.watch is None:
        return (yield)
    from begat.capture.scopes import capture

    with capture(item.nodeid) as run:
        result = yield
    try:
        _told.write(nodes=len(run))
        wrong = _unreadable(run)
    except Exception as error:
        wrong = f"{type(error).__name__}: {error}"
    if wrong:
        _told.write(wrong=wrong, id=item.nodeid)
    return result


def _unreadable(run: Any) -> str | None:
    from begat.record.codec import dumps, loads

    if len(run) > _READ:
        return None
    data = dumps(run)
    return None if dumps(loads(data)) == data else "the record reads back as another"


def pytest_runtest_logstart(nodeid: str) -> None:
    """A test begins."""
    if _told is not None:
        _told.write(begins=nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    """A file could not be collected: that is an outcome too."""
    if _told is not None and report.failed:
        _told.write(id=f"collection of {report.nodeid or 'all'}", outcome="error", seconds=0, text=report.longreprtext)


class _Reports:
    """Where tests are reported: not in the workers of pytest-xdist, whose reports arrive at their controller."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """One phase of a test is over."""
        assert _told is not None
        outcome = _outcome(report)
        if outcome is not None or report.duration:
            text = report.longreprtext if outcome in ("failed", "error") else ""
            _told.write(id=report.nodeid, outcome=outcome, seconds=report.duration, text=text[-4000:])

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
