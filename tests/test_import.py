"""`import begat` is light: it may stand at the top of any script."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {
    "ast",
    "asyncio",
    "click",
    "dis",
    "importlib.metadata",
    "inspect",
    "logging",
    "multiprocessing",
    "orjson",
    "pydantic",
    "rich",
    "sqlite3",
    "subprocess",
    "tokenize",
    "typing_extensions",
    "wrapt",
}


def fresh(code: str) -> str:
    """What *code* prints in an interpreter that has imported nothing but what Python needs; no ``.pth`` files, no site."""
    paths = [path for path in sys.path if path]
    setup = f"import sys; sys.path[:] = {paths!r}\n"
    run = subprocess.run([sys.executable, "-I", "-S", "-c", setup + code], capture_output=True, text=True, check=True)
    return run.stdout


def test_import_loads_nothing_heavy():
    """None of the modules that take long to import are loaded by `import begat`."""
    loaded = set(fresh("import begat; print(*sys.modules)").split())

    assert loaded & HEAVY == set()


@pytest.mark.benchmark
def test_import_takes_less_than_forty_milliseconds():
    """`import begat` costs less than 40 ms of processor time beyond starting the interpreter."""
    timed = "import time; begin = time.process_time(); import begat; print(time.process_time() - begin)"
    fresh(timed)  # writes the bytecode

    spent = min(float(fresh(timed)) for _ in range(7))

    assert spent < 0.040


def test_import_starts_nothing():
    """Importing begat starts no thread, installs no signal handler and no hook, and prints nothing."""
    seen = fresh(
        "import signal, threading\n"
        "handlers = [signal.getsignal(n) for n in signal.valid_signals()]\n"
        "before = (list(sys.meta_path), list(sys.path_hooks), sys.excepthook, sys.displayhook, handlers)\n"
        "import begat\n"
        "handlers = [signal.getsignal(n) for n in signal.valid_signals()]\n"
        "after = (list(sys.meta_path), list(sys.path_hooks), sys.excepthook, sys.displayhook, handlers)\n"
        "print(before == after, threading.active_count(), sys.gettrace(), sys.getprofile())"
    )

    assert seen.split() == ["True", "1", "None", "None"]
