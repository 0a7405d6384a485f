"""Processes that begin anew, by spawn, forkserver or loky: what a run needs goes along with what multiprocessing tells them.

``multiprocessing.spawn.get_preparation_data`` gives what a child hears before it imports anything of the program. While a run
with a journal is open one item more is in it, and the child, reading that, goes on with the run in a journal of its own. In
every worker, forked ones too, what is new is written before a message is sent: who knows the result finds the record of how
it came about.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from begat.capture import seeds
from begat.capture.journal import Journal, flush, journals
from begat.capture.ownership import claim, claimed
from begat.capture.session import session
from begat.intercept.constants import LISTENING
from begat.intercept.importing import FINDER, Watch
from begat.intercept.interceptor import trouble
from begat.intercept.woven import WOVEN, Woven

_PLACES = ("multiprocessing.spawn", "joblib.externals.loky.backend.spawn", "loky.backend.spawn")
_ITEM = "begat"
_undo: dict[str, Callable[[], None]] = {}
_leaving: list[Callable[[], object]] = []  # what puts back what going on with a run has changed here
_users = 0

# What the child executes. A child that cannot import begat goes on without it.
_SOURCE = """\
try:
    try:
        from begat.capture.children import begin
    except ImportError:
        import sys
        sys.path.append({home!r})
        try:
            from begat.capture.children import begin
        finally:
            sys.path.remove({home!r})
    begin({plan!r})
except Exception as error:
    import warnings
    warnings.warn(f"begat: what this process builds is not recorded: {{type(error).__name__}}: {{error}}", RuntimeWarning)
"""


class Start:
    """What becomes, where it is unpickled, the beginning of the record; for the program it is None."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.plan = plan

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (_source(self.plan), {})


def _source(plan: dict[str, Any]) -> str:
    home = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return _SOURCE.format(home=home, plan=plan)


def worker_setup() -> Callable[[], None]:
    """
    A function that, called in another process, lets what is built there belong to the run that is open here.

    It is for processes that the program does not start itself (Ray, a Dask cluster that runs already), as their setup hook, and
    can be pickled. They need the folder of the run at the same path. In a process of the run itself it does nothing, and
    neither does it where no run with a journal is open: in no `begat run`, and in no scope with ``save=``.

    >>> import begat
    >>> begat.worker_setup()()
    """
    plan = _plan()
    # Such processes are killed by whoever started them, not ended.
    setup = partial(exec, "" if plan is None else _source({**plan, "always": True, "main": None}), {})
    setup.__name__ = setup.__qualname__ = "worker_setup"  # type: ignore[attr-defined]  # Ray asks for it
    return setup


# --- in the parent --------------------------------------------------------------------------------------------------------
def watch() -> None:
    """From now on processes that begin anew go on with the run of whoever starts them."""
    global _users
    _users += 1
    if _users == 1:
        for module in _PLACES:
            _arrived(module)
            FINDER.tell(module, _arrived)


def unwatch() -> None:
    """Put everything back, when the last who asked is done."""
    global _users
    _users -= 1
    if _users == 0:
        for module in _PLACES:
            FINDER.tell(module, None)
        while _undo:
            _undo.popitem()[1]()


def _arrived(name: str) -> None:
    module: Any = sys.modules.get(name)
    plain = getattr(module, "get_preparation_data", None)
    if plain is None or name in _undo:
        return

    @wraps(plain)
    def get_preparation_data(*args: Any, **kwargs: Any) -> Any:
        data = plain(*args, **kwargs)
        try:
            plan = _plan()
            if plan is not None and type(data) is dict:
                data[_ITEM] = Start(plan)
        except Exception as error:
            trouble(error, "telling a new process of the run")
        return data

    def undo() -> None:
        if module.get_preparation_data is get_preparation_data:
            module.get_preparation_data = plain

    module.get_preparation_data = get_preparation_data
    _undo[name] = undo


def _plan() -> dict[str, Any] | None:
    """What a new process has to know of the run that is open here."""
    run = session.current()
    while run is not None and (run.recorder.journal is None or run.recorder.closed):
        run = run.around
    if run is None:
        return None
    journal: Any = run.recorder.journal
    header = run.header
    return {
        "run": {
            "id": run.id,
            "name": header.name,
            "started": header.started,
            "script": header.script,
            "argv": header.argv,
        },
        "parent": header.parent,
        "folder": os.path.abspath(journal.folder),
        "always": journal.always,
        "watches": [[each.patterns, each.folders, each.lazy] for each in FINDER.watches],
        "claimed": claimed(),
        "main": getattr(sys.modules.get("__main__"), "__file__", None),
        "overrides": _overrides(),
    }


def _overrides() -> list[tuple[Any, ...]]:
    """Those that hold in the whole process. Values that are no text come from code, which the child does not run."""
    overriding = sys.modules.get("begat.capture.overriding")
    held = overriding.held() if overriding is not None else []
    return [
        (each.address, each.value, each.source, each.place, each.level, each.text, each.exactly, each.folded)
        for each in held
        if type(each.value) is str
    ]


# --- in the child ---------------------------------------------------------------------------------------------------------
def begin(plan: dict[str, Any]) -> None:
    """Go on with the run that *plan* is of, and no more with the one before, where a process works for many."""
    if any(run is not None and run.id == plan["run"]["id"] for run in (journal.run() for journal in journals())):
        return
    while _leaving:
        _leaving.pop()()
    run = session.anew()
    for folder in plan["claimed"]:
        claim(folder)
    run.belong(parent=plan["parent"], **plan["run"])
    _leaving.append(Journal(run, plan["folder"], plan["always"]).end)
    seeds.watch()
    _leaving.append(seeds.unwatch)
    for patterns, folders, lazy in plan["watches"]:
        _leaving.append(Watch(patterns, folders, lazy).start().remove)
    if plan["overrides"]:
        from begat.capture.overriding import drop, hold
        from begat.replay.override import Override

        _leaving.append(partial(drop, hold(Override(*each) for each in plan["overrides"])))
    if plan["main"] is not None:
        _weave_main(os.path.realpath(plan["main"]))
    worker()
    _begun(None)  # where it was not forked, by a fork server, it is never said that it was


def _weave_main(script: str) -> None:
    """Let the main program, which `runpy` compiles past all import hooks, have its classes offered as they are defined."""
    import runpy

    plain: Any = runpy._get_code_from_file  # type: ignore[attr-defined]

    def compiled(*args: Any) -> Any:
        found = plain(*args)
        if os.path.realpath(os.fspath(args[-1])) != script:
            return found
        runpy._get_code_from_file = plain  # type: ignore[attr-defined]  # once
        if type(found) is tuple:  # the code, and the file
            return FINDER.woven(found[0], "__mp_main__", script), *found[1:]
        return FINDER.woven(found, "__mp_main__", script)

    runpy._get_code_from_file = compiled  # type: ignore[attr-defined]


def worker() -> None:
    """This is a process of multiprocessing's: it ends, and speaks to others, in ways of its own."""
    util: Any = sys.modules.get("multiprocessing.util")
    if util is not None and hasattr(util, "register_after_fork"):
        util.register_after_fork(_MARK, _begun)


class _Mark:
    """What multiprocessing holds weakly."""


_MARK = _Mark()


def _begun(_: object) -> None:
    """The process is about to work; its finalizers were cleared just before."""
    from multiprocessing import connection, util

    util.Finalize(None, _end, exitpriority=-1000)
    send: Any = getattr(getattr(connection, "Connection", None), "_send_bytes", None)
    if send is not None and id(send) not in WOVEN:
        woven = WOVEN[id(send)] = Woven(send, way="init")
        woven.users.add(0)
        gate = woven.gate()
        if gate is not None:
            gate.enter = _sending
        LISTENING.add("workers")


def _sending(*_: object) -> None:
    try:
        flush()
    except Exception as error:
        trouble(error, "writing the journal")


def _end() -> None:
    for journal in journals():
        journal.end()
