"""Python programs that the program starts by `subprocess`: they go on with the run, as if `begat run` had started them.

What is changed is the command that the system gets, not what the program sees of it: the interpreter, if it is this one, its
options and the program's own words stay, and `begat.cli.joined` stands before the script. What that has to know is in a
variable of the environment, which it takes out.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from begat.capture.ownership import is_users
from begat.intercept.interceptor import trouble
from begat.intercept.woven import enter_first, instead

GOES_ON = "BEGAT_GOES_ON"
_JOINED = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli", "joined.py")
_PLAIN = frozenset("bBdOqsu")  # options without a value that change neither what is found where nor what imports tell
_VALUED = ("-W", "-X")
_LONGEST = 100_000  # of a variable: Linux takes no more than 128 KiB
_LIBRARIES = sys.stdlib_module_names | {"begat", "pip"}


def starts(module: Any) -> Any:
    """Let ``subprocess.Popen`` start Python programs so; what undoes that."""
    return enter_first(module.Popen._execute_child, _starting)


def _starting(popen: Any, args: Any, executable: Any, *others: Any) -> Any:
    # The same in all versions: preexec_fn, close_fds, pass_fds, cwd, env, startupinfo, creationflags, shell, ...
    try:
        before, cwd, env, shell = others[0], others[3], others[4], others[7]
        if executable is not None or shell or not isinstance(args, (list, tuple)):
            return None
        known = os.environ if env is None else env
        words = [os.fspath(word) for word in args]
        at = _program(words, cwd, known) if isinstance(known, Mapping) else None
        plan = None if at is None else _plan()
        if plan is None:
            return None
        if before is not None and env is None:
            before = _said_before(before, plan)  # what that sets in the environment is the child's
        else:
            env = {**known, GOES_ON: plan}
        return instead(popen, [*words[:at], _JOINED, *words[at:]], executable, before, *others[1:4], env, *others[5:])
    except Exception as error:
        trouble(error, "letting a Python program go on with the run")
        return None


def _plan() -> str | None:
    from begat.capture.children import plan

    found = plan(None)
    if found is None or found["run"] is None:
        return None
    said = ascii({**found, "main": None})  # the program may take another encoding for the system's than this one
    return said if len(said) < _LONGEST else None


def _said_before(before: Callable[[], object], plan: str) -> Callable[[], object]:
    def preexec_fn() -> None:
        os.environ[GOES_ON] = plan
        before()

    return preexec_fn


def _program(words: Sequence[Any], cwd: Any, env: Mapping[Any, Any]) -> int | None:
    """Where in *words* the program begins, a script or ``-m`` and a module of the user's, for this very interpreter; or None."""
    if not words or not all(isinstance(word, str) for word in words):
        return None
    if env.get("PYTHONSAFEPATH") or GOES_ON in env:
        return None
    at = _behind_options(words, cwd)
    # Last, for it looks through the folders of PATH.
    return at if at is not None and _is_this_python(words[0], env) else None


def _behind_options(words: Sequence[str], cwd: Any) -> int | None:
    """Where the program begins in *words*, if they are those of an interpreter's command."""
    at = 1
    while at < len(words):
        word = words[at]
        if word == "-m":
            given = at + 1 < len(words) and words[at + 1].partition(".")[0] not in _LIBRARIES
            return at if given and _is_script(os.curdir, cwd) else None
        if not word.startswith("-"):
            return at if _is_script(word, cwd) else None
        if "importtime" in word or (word in _VALUED and words[at + 1 : at + 2] == ["importtime"]):
            return None
        if word in _VALUED:
            at += 1
        elif not word.startswith(_VALUED) and not (len(word) > 1 and _PLAIN.issuperset(word[1:])):
            return None
        at += 1
    return None


def _is_script(word: str, cwd: Any) -> bool:
    """Whether that is a file or folder of the user's: a pipe can be read once."""
    try:
        script = os.path.realpath(os.path.join(os.fsdecode(cwd) if cwd is not None else "", word))
        mode = os.stat(script).st_mode
    except (OSError, ValueError):
        return False
    return is_users(script) and (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _is_this_python(word: str, env: Mapping[Any, Any]) -> bool:
    if not sys.executable:
        return False
    path: str | None = word
    if not os.path.dirname(word):
        import shutil

        path = shutil.which(word, path=env.get("PATH"))
    if path is None or os.path.dirname(os.path.abspath(path)) != os.path.dirname(os.path.abspath(sys.executable)):
        return False  # another environment has other packages
    try:
        return os.path.samefile(path, sys.executable)
    except OSError:
        return False
