"""Tools that watch a program run, a debugger first of all, see a tracked class as they saw the plain one."""

from __future__ import annotations

import importlib.util
import io
import pdb
import re
import sys

import pytest

import begat
from zoo_support.tracking import python, recording, succeeds


def build():
    class Net:
        def __init__(self, width, depth=2):
            self.width = width
            for _ in range(depth):
                width *= 2
            self.total = width

    return Net


def session(cls: type, commands: str, *, listening: bool) -> str:
    """What pdb prints when these commands are typed at the first line of the constructor of ``cls(3)``."""
    out = io.StringIO()
    commands = f"break {__file__}:{FIRST}\ncontinue\n{commands}continue\n"
    debugger = pdb.Pdb(stdin=io.StringIO(commands), stdout=out, nosigint=True, readrc=False)
    debugger.use_rawinput = False
    with recording(listening):
        debugger.runcall(lambda: cls(3))
    debugger.clear_all_breaks()
    return re.sub(r"(?i)breakpoint \d+|x[0-9a-f]{8,}", "", out.getvalue())


FIRST = build().__init__.__code__.co_firstlineno + 1


@pytest.mark.parametrize("listening", [False, True])
@pytest.mark.parametrize(
    "commands",
    [
        "args\np sorted(locals())\nwhere\nnext\nnext\nreturn\n",
        "p width, depth\nnext\np depth\nunt\nunt\n",
        "p (width, depth)\nstep\nstep\nstep\nstep\n",
        "display width\nnext\nnext\nnext\nnext\nup\ndown\n",
        "p width\nreturn\nstep\nstep\n",
    ],
    ids=["next", "values", "step", "display", "return"],
)
def test_pdb_shows_the_same_session(commands, listening, track):
    """Stepping through a tracked constructor shows its lines, its variables and its stack."""
    plain = session(build(), commands, listening=listening)
    tracked = build()
    track(tracked)

    shown = session(tracked, commands, listening=listening)

    assert shown == plain
    assert "(3, 2)" in plain or "width" in plain


@pytest.mark.skipif(sys.version_info < (3, 12), reason="sys.monitoring is new in Python 3.12")
@pytest.mark.parametrize("listening", [False, True])
def test_monitoring_tells_the_same_lines(listening, track):
    """LINE, PY_START, PY_RETURN and PY_UNWIND events outside begat are those of the plain class, in order."""

    def watched(cls):
        monitoring, tool = sys.monitoring, 4
        seen = []
        events = monitoring.events
        monitoring.use_tool_id(tool, "test")
        names = {events.LINE: "line", events.PY_START: "start", events.PY_RETURN: "return", events.PY_UNWIND: "unwind"}
        for kind, name in names.items():

            def note(code, where, *rest, name=name):
                if code.co_filename == __file__ and code.co_name == "__init__":
                    seen.append((name, where if name == "line" else code.co_qualname, rest if name == "return" else ()))

            monitoring.register_callback(tool, kind, note)
        try:
            with recording(listening):
                monitoring.set_events(tool, sum(names))
                cls(3)
                cls(1, depth=0)
        finally:
            monitoring.set_events(tool, 0)
            for kind in names:
                monitoring.register_callback(tool, kind, None)
            monitoring.free_tool_id(tool)
        return seen

    plain = watched(build())
    cls = build()
    track(cls)

    assert watched(cls) == plain
    assert len(plain) > 10


COVERED = """
import begat

class Net:
    def __init__(self, width, depth=2):
        self.width = width
        if depth > 5:
            self.never = True
        for _ in range(depth):
            width *= 2

{track}
with begat.capture():
    Net(1)
"""


@pytest.mark.skipif(importlib.util.find_spec("coverage") is None, reason="coverage is not installed")
def test_coverage_measures_the_same_lines_and_branches(tmp_path):
    """The executed lines and arcs of a script are those it has with its classes plain."""
    reports = []
    for track in ("0", "begat.trackable(Net)"):
        (tmp_path / "script.py").write_text(COVERED.format(track=track))
        succeeds("-m", "coverage", "run", "--branch", "--include", "script.py", "script.py", cwd=tmp_path)
        reports.append(succeeds("-m", "coverage", "json", "-o", "-", cwd=tmp_path).partition('"files"')[2])

    assert reports[0] == reports[1]
    assert reports[0]


def test_the_line_of_a_warning_is_the_callers(track):
    """``warnings.warn(stacklevel=2)`` in a tracked constructor names the line that called it, and warns once there."""
    import warnings

    class Old:
        def __init__(self, a):
            warnings.warn("old", DeprecationWarning, stacklevel=2)

    track(Old)
    with begat.capture(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            Old(1)
        line = sys._getframe().f_lineno - 1

    assert [(w.filename, w.lineno) for w in caught] == [(__file__, line)]


def test_the_call_site_is_where_the_call_stands(track):
    """A node's site is the file, line, column and function of the caller, through super chains and metaclasses too."""

    class Meta(type):
        def __call__(cls, *args, **kwargs):
            return super().__call__(*args, **kwargs)

    class Base:
        def __init__(self, a):
            self.a = a

    class Net(Base, metaclass=Meta):
        def __init__(self, a):
            super().__init__(a)

    track(Net)
    track(Base)

    def caller():
        return Net(1)

    with begat.capture() as run:
        caller()

    (node,) = run.nodes
    assert node.site.file == __file__
    assert node.site.line == caller.__code__.co_firstlineno + 1
    assert node.site.function.endswith("caller")
    assert node.site.column == 15


def test_pytest_shows_the_users_lines(tmp_path):
    """A failing test in which a tracked constructor raises is reported without a line of ours."""
    (tmp_path / "test_it.py").write_text(
        "import begat\n"
        "@begat.trackable\n"
        "class Net:\n"
        "    def __init__(self, a):\n"
        "        assert a == 1, 'not one'\n"
        "def test_net():\n"
        "    with begat.capture():\n"
        "        Net(2)\n"
    )
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py", cwd=tmp_path)

    assert done.returncode == 1
    assert "assert 2 == 1" in done.stdout
    assert "begat/" not in done.stdout
