"""Processes that begin anew, by spawn, forkserver or loky: what a run needs goes along with what multiprocessing tells them.

``multiprocessing.spawn.get_preparation_data`` gives what a child hears before it imports anything of the program. While a run
with a journal is open, or overrides hold, one item more is in it, and the child, reading that, goes on with the run in a journal
of its own, under the same overrides. In every worker, forked ones too, what is new is written before a message is sent: who
knows the result finds the record of how it came about.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from begat.capture import programs, seeds, travel
from begat.capture.journal import Journal, flush, journals
from begat.capture.live import LiveRun
from begat.capture.ownership import claim, claimed
from begat.capture.session import session
from begat.intercept.constants import LISTENING
from begat.intercept.importing import FINDER, Attached
from begat.intercept.interceptor import report, trouble
from begat.intercept.watching import Watch
from begat.intercept.woven import enter_first

_PLACES = ("multiprocessing.spawn", "joblib.externals.loky.backend.spawn", "loky.backend.spawn")
_ITEM = "begat"
_leaving: list[Callable[[], object]] = []  # what puts back what going on with a run has changed here

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
    told = plan(None)
    source = ""
    if told is not None and told["run"] is not None:
        # Such processes are killed by whoever started them, not ended.
        source = _source({**told, "run": {**told["run"], "always": True}, "main": None})
    setup = partial(exec, source, {})
    setup.__name__ = setup.__qualname__ = "worker_setup"  # type: ignore[attr-defined]  # Ray asks for it
    return setup


# --- in the parent --------------------------------------------------------------------------------------------------------
def _tells(module: Any) -> Callable[[], None] | None:
    plain = module.get_preparation_data

    @wraps(plain)
    def get_preparation_data(*args: Any, **kwargs: Any) -> Any:
        data = plain(*args, **kwargs)
        try:
            # Whom it is for only the caller knows: every kind of process has it in a variable of this name.
            told = plan(sys._getframe(1).f_locals.get("process_obj"))
            if told is not None and type(data) is dict:
                data[_ITEM] = Start(told)
        except Exception as error:
            trouble(error, "telling a new process of the run")
        return data

    def undo() -> None:
        if module.get_preparation_data is get_preparation_data:
            module.get_preparation_data = plain

    module.get_preparation_data = get_preparation_data
    return undo


_QUEUES = ("joblib.externals.loky.backend.queues", "loky.backend.queues")
_BY_VALUE = tuple(f"{of}cloudpickle.cloudpickle" for of in ("", "joblib.externals.", "ray."))
_PICKLES = ("distributed.protocol.pickle", "ray._private.serialization")

TELLING = Attached(
    {
        **dict.fromkeys(_PLACES, _tells),
        "subprocess": programs.starts,
        "multiprocessing.reduction": travel.sends,
        **dict.fromkeys(_QUEUES, travel.sends_by_loky),
        **dict.fromkeys(_PICKLES, travel.sends_by_pickle),
        **dict.fromkeys(_BY_VALUE, travel.takes_classes),
    }
)
"""Watched: processes that begin anew go on with the run of whoever starts them."""


def plan(process: object) -> dict[str, Any] | None:
    """What the new *process* has to know of the run that is open here, and of the overrides that hold here."""
    run = session.current()
    while run is not None and (run.recorder.journal is None or run.recorder.closed):
        run = run.around
    overrides = _overrides(process)
    if run is None and not overrides:
        return None
    return {
        "run": _run(run) if run is not None else None,
        "watches": [[each.patterns, each.folders, each.lazy] for each in FINDER.watches],
        "claimed": claimed(),
        "main": getattr(sys.modules.get("__main__"), "__file__", None),
        "overrides": overrides,
        "carried": travel.carried(process) if run is not None and process is not None else [],
    }


def _run(run: LiveRun) -> dict[str, Any]:
    journal: Any = run.recorder.journal
    header = run.header
    return {
        "header": {
            "id": run.id,
            "name": header.name,
            "started": header.started,
            "script": header.script,
            "argv": header.argv,
            "parent": header.parent,
        },
        "folder": os.path.abspath(journal.folder),
        "always": journal.always,
    }


def _overrides(process: object) -> list[bytes | tuple[Any, ...]]:
    """What holds for *process*. Values that are no text come from code: they are pickled."""
    overriding = sys.modules.get("begat.capture.overriding")
    if overriding is None:
        return []
    from begat.capture.tasks import handed, is_worker

    found: list[bytes | tuple[Any, ...]] = []
    for each in handed(overriding.everywhere() if is_worker(process) else overriding.current()):
        try:
            found.append(each if type(each[1]) is str else pickle.dumps(each))
        except Exception as error:  # whatever the program's own reductions raise
            tell = report if isinstance(error, pickle.PicklingError) else trouble
            tell(error, f"handing the override of {each[0]} to a new process")
    return found


# --- in the child ---------------------------------------------------------------------------------------------------------
def begin(plan: dict[str, Any]) -> None:
    """Go on with the run that *plan* is of, and no more with the one before, where a process works for many."""
    if plan["carried"]:
        _when_begun(lambda process: travel.landed(process, plan["carried"]))
    if not go_on(plan):
        return
    if plan["main"] is not None:
        _weave_main(os.path.realpath(plan["main"]))
    if plan["run"] is not None:
        worker()
        _begun(None)  # where it was not forked, by a fork server, it is never said that it was


def go_on(plan: dict[str, Any]) -> bool:
    """Go on with the run that *plan* is of, whatever this process is; whether that is new."""
    going_on = plan["run"]
    if going_on is not None:
        if any(run is not None and run.id == going_on["header"]["id"] for run in (each.run() for each in journals())):
            return False
        while _leaving:
            _leaving.pop()()
        run = session.anew()
        run.belong(**going_on["header"])
        _leaving.append(Journal(run, going_on["folder"], going_on["always"]).end)
        seeds.watch()
        _leaving.append(seeds.unwatch)
    for folder in plan["claimed"]:
        claim(folder)
    for patterns, folders, lazy in plan["watches"]:
        _leaving.append(Watch(patterns, folders, lazy).start().remove)
    if plan["overrides"]:
        _hold(plan["overrides"], again=plan["main"] is not None)
    return True


def _hold(overrides: list[bytes | tuple[Any, ...]], *, again: bool) -> None:
    """Let *overrides* hold here. What is of the program's main module may be known only when that was imported: then *again*."""
    from begat.capture.overriding import drop, hold
    from begat.capture.tasks import taken

    found: list[Any] = []
    failed = False
    for each in overrides:
        try:
            # By the way that multiprocessing itself took to bring it here.
            found.append(pickle.loads(each) if type(each) is bytes else each)  # noqa: S301
        except Exception as error:  # whatever the program's own reductions raise
            failed = True
            if not again:
                trouble(error, "overriding in a new process")
    _leaving.append(partial(drop, hold(taken(tuple(found)))))
    if failed and again:
        _when_begun(lambda _: _hold(overrides, again=False))


def _when_begun(action: Callable[[object], None]) -> None:
    """Do *action*, which gets the process, when this one, which has been prepared, begins its work."""
    from multiprocessing.process import BaseProcess

    kind: Any = BaseProcess
    plain = kind._bootstrap

    def begun(process: Any, *args: Any, **kwargs: Any) -> Any:
        kind._bootstrap = plain
        action(process)
        return plain(process, *args, **kwargs)

    kind._bootstrap = begun


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

    util.Finalize(None, end, exitpriority=-1000)
    if enter_first(getattr(getattr(connection, "Connection", None), "_send_bytes", None), _sending) is not None:
        LISTENING.add("workers")


def _sending(*_: object) -> None:
    try:
        flush()
    except Exception as error:
        trouble(error, "writing the journal")


def end() -> None:
    """This process is over: its journals end."""
    for journal in journals():
        journal.end()
