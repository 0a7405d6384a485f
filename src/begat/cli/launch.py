"""Running a script or module as ``python`` would, captured: what it sees of itself, and what others see of it, is the same."""

from __future__ import annotations

import atexit
import io
import os
import sys
from collections.abc import Sequence
from types import CodeType, ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

from begat.capture.endings import at_end
from begat.capture.ownership import claim
from begat.capture.session import session
from begat.cli.plan import HANDED_ON, STDIN
from begat.intercept.importing import FINDER
from begat.intercept.watching import Watch
from begat.introspect.secrets import scrubbed, scrubbed_argv
from begat.record.installed import is_installed

if TYPE_CHECKING:
    from begat.capture.orders import Orders
    from begat.cli.ending import Ending
    from begat.cli.plan import Plan


def start(plan: Plan) -> None:
    """Run *plan*'s program in this process, as its main program. Ends as the program ends."""
    from begat.capture import seeds  # all this is for who begins a run: a program that joins one begins sooner without
    from begat.capture.journal import Journal
    from begat.capture.ranks import agree
    from begat.cli.ending import Ending

    folder = os.path.abspath("." if plan.is_module else _folder(plan.target))
    run = session.root
    claim(folder)
    own = _own(plan.target, plan.arguments) if plan.is_module else ()
    watching = Watch((*plan.watch, *own), (folder,), plan.lazy).start()
    seeds.watch()
    sys.argv = [plan.target, *plan.arguments]
    said = f"-m {plan.target}" if plan.is_module else plan.target
    name = plan.manner.name and scrubbed(plan.manner.name)
    run.change(script=said, name=name, argv=scrubbed_argv(sys.argv), watch=plan.watch, lazy=plan.lazy)
    _prepare(plan.manner.home)
    ranks = agree(run, os.path.join(plan.manner.home, "runs")) if not plan.manner.dry else None
    record = os.path.join(plan.manner.home, "runs", run.id, "run.json")
    orders = _overruled(plan)  # may end it here: a program that is not begun leaves no journal
    if not plan.manner.dry:
        Journal(run, os.path.join(plan.manner.home, "runs", run.id, "journal"), plan.manner.durable).arm()
    main = ModuleType("__main__")
    ending = Ending(plan, run, record, watching, main, orders, ranks)
    # Exit handlers run last in, first out: the program's, then the record, then the end.
    atexit.register(_die_of_interrupt, ending)
    at_end(ending.finish)
    _stand_for(main)
    if plan.manner.dry:
        from begat.cli.rehearsal import rehearse

        rehearse()
        sys.stdout = sys.stderr  # standard output is for what was found
    failed = _program(plan.target, plan.is_module, main, ending)
    if plan.manner.dry:
        from begat.cli.overruling import rehearsed

        sys.stdout = sys.__stdout__
        failed = rehearsed(orders, run, failed, plan.manner.quiet)
    elif orders is not None:
        from begat.cli.overruling import judged

        failed = judged(orders, run, failed)
    if failed is not None:
        ending.error = failed
        _end_as_python_does(failed)


class Joined:
    """What of the end of a program that goes on with another's run has to be known."""

    begun = False
    error: BaseException | None = None


def join(target: str, is_module: bool, arguments: Sequence[str], run: dict[str, Any]) -> None:
    """Run a program that *run*, as `capture.children` tells of it, has started. Ends as the program ends."""
    from begat.capture import children

    ending, main = Joined(), ModuleType("__main__")
    atexit.register(_die_of_interrupt, ending)
    at_end(children.end)
    folder = os.getcwd() if is_module else _folder(target)
    sys.path[0] = folder  # where values of overrides may come from
    children.go_on(run)
    if any(folders for _, folders, _ in run["watches"]):  # so does the program that started this one
        claim(folder)
        Watch(_own(target, arguments) if is_module else (), (folder,)).start()
    sys.argv = [target, *arguments]
    _stand_for(main)
    failed = _program(target, is_module, main, ending)
    if failed is not None:
        ending.error = failed
        _end_as_python_does(failed)


def _stand_for(main: ModuleType) -> None:
    annotations: dict[str, Any] = {"__annotations__": {}} if sys.version_info < (3, 14) else {}
    main.__dict__.update(annotations, __builtins__=sys.modules["builtins"])  # in Python's order
    sys.modules["__main__"] = main


def _overruled(plan: Plan) -> Orders | None:
    if not plan.overrides and HANDED_ON not in os.environ:
        return None
    from begat.cli.overruling import overrule  # a tenth of what a short run takes

    return overrule(plan)


def _program(target: str, is_module: bool, main: ModuleType, ending: Ending | Joined) -> BaseException | None:
    """Execute the program; the exception that ended it, its traceback beginning in the program itself."""
    entry: Any
    try:
        if is_module or os.path.isdir(target) or _is_archive(target):
            import runpy

            sys.path[0] = os.getcwd() if is_module else _from_here(target)
            entry = runpy._run_module_as_main.__code__  # type: ignore[attr-defined]  # what ``python -m`` itself calls
            runpy._run_module_as_main(target if is_module else "__main__", alter_argv=is_module)  # type: ignore[attr-defined]
        else:
            entry = _stdin(main) if target == STDIN else _script(target, main)
            ending.begun = True
            # A frame that says what warnings say when they point above the program: "sys:1".
            above = compile("exec(program, names)", "sys", "exec")
            exec(above, {"__name__": "sys", "program": entry, "names": main.__dict__})  # noqa: S102  # the user's program
    except BaseException as error:
        if "runpy" in locals() and _from(error.__traceback__, runpy._run_code.__code__):  # type: ignore[attr-defined]
            ending.begun = True
        error.__traceback__ = _from(error.__traceback__, entry if "entry" in locals() else None)
        return error
    ending.begun = True
    return None


def _stdin(main: ModuleType) -> CodeType:
    from importlib.machinery import BuiltinImporter

    sys.path[0] = ""
    code = compile(sys.stdin.buffer.read(), "<stdin>", "exec", dont_inherit=True)
    main.__dict__.update(__file__="<stdin>", __loader__=BuiltinImporter, __cached__=None, __spec__=None)
    return FINDER.woven(code, "__main__", _from_here("<stdin>"))


def _script(path: str, main: ModuleType) -> CodeType:
    from importlib.machinery import SourceFileLoader

    file = _from_here(path)
    sys.path[0] = os.path.dirname(os.path.realpath(file))
    with io.open_code(file) as source:
        code = compile(source.read(), file, "exec", dont_inherit=True)
    main.__dict__.update(__file__=file, __loader__=SourceFileLoader("__main__", file), __cached__=None, __spec__=None)
    return FINDER.woven(code, "__main__", os.path.realpath(file))


def _from(trace: TracebackType | None, entry: CodeType | None) -> TracebackType | None:
    while trace is not None and trace.tb_frame.f_code is not entry:
        trace = trace.tb_next
    return trace


def _end_as_python_does(error: BaseException) -> None:
    """What the interpreter does with an exception that nothing caught."""
    if isinstance(error, SystemExit):
        raise error
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    if sys.version_info >= (3, 12):
        sys.last_exc = error
    sys.stdout.flush()
    sys.excepthook(type(error), error, error.__traceback__)
    raise SystemExit(1)


def _die_of_interrupt(ending: Ending | Joined) -> None:
    """End as one killed by SIGINT, if an interrupt is what ended the program: a shell then stops its loop."""
    if not isinstance(ending.error, KeyboardInterrupt):
        return
    import signal

    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.kill(os.getpid(), signal.SIGINT)


def _from_here(path: str) -> str:
    """*path* from the root, as Python makes it: nothing else in it is changed. The present folder may not exist any more."""
    try:
        return os.path.join(os.getcwd(), path) if path != os.curdir else os.getcwd()
    except OSError:
        return path


def _folder(target: str) -> str:
    path = _from_here(target)
    return path if os.path.isdir(path) or _is_archive(path) else os.path.dirname(os.path.realpath(path))


def _own(module: str, arguments: Sequence[str]) -> tuple[str, ...]:
    """What is watched of a program that is *module*: its package, unless that is installed and runs a script that is among the *arguments*."""
    package = module.partition(".")[0]
    if not any(word.endswith(".py") and os.path.isfile(word) for word in arguments):
        return (package,)
    from importlib.util import find_spec

    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return (package,)
    return () if spec is not None and spec.origin is not None and is_installed(spec.origin) else (package,)


def _is_archive(path: str) -> bool:
    if path.endswith((".py", ".pyw", STDIN)) or not os.path.isfile(path):  # what is in a pipe can be read once
        return False
    import zipfile

    return zipfile.is_zipfile(path)


def _prepare(home: str) -> None:
    """Make the ``.begat`` folder, out of git's sight: a record of a clean tree should say that it was clean."""
    try:
        os.makedirs(home, exist_ok=True)
        ignore = os.path.join(home, ".gitignore")
        if not os.path.exists(ignore):
            with open(ignore, "w", encoding="utf-8") as file:
                file.write("*\n")
    except OSError:
        return  # said once, at the end, when the record cannot be written
