"""What a run runs in: interpreter, machine, package versions, git. Nothing secret: no environment variables, no remotes.

Nothing here raises; what cannot be had is left empty.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

from begat.record.installed import is_installed
from begat.record.model import Environment

if TYPE_CHECKING:
    from importlib.metadata import Distribution

T = TypeVar("T")
_GIT_SECONDS = 2.0
# Set inside git's own hooks, where they point at another repository than the folder's.
_GIT_MISLEADERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")


def collect(packages: Iterable[str] = (), folder: str | None = None, *, running: bool = False) -> Environment:
    """
    Describe this process: *packages* are the top-level modules whose versions matter.

    Git is asked about *folder*; by default that of the script that runs, or the current one. While the program is *running* it
    is not: a process of ours that ends would be news to whoever waits for theirs. What git's files say has to do.
    """
    import platform

    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        platform=_tried(_platform, ""),
        host=_tried(platform.node, ""),
        user=_tried(_user, ""),
        cwd=_tried(os.getcwd, ""),
        packages=_tried(lambda: versions(packages), {}),
        git=_tried(lambda: (head if running else git)(folder or _script_folder()), None),
    )


def _tried(ask: Callable[[], T], otherwise: T) -> T:
    try:
        return ask()
    except Exception:
        return otherwise


def _platform() -> str:
    import platform

    if not sys.platform.startswith("linux"):
        return platform.platform()
    of = os.uname()  # the same text, but that `platform` starts a process, to ask for what it then leaves out
    return "-".join((of.sysname, of.release, of.machine, "with", "".join(platform.libc_ver())))


def _user() -> str:
    import getpass

    return getpass.getuser()


def _script_folder() -> str:
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.dirname(os.path.abspath(file)) if isinstance(file, str) else os.getcwd()


# The versions of loaded modules by name and file, once asked for: asking reads the lists of all that is installed.
_LISTED: dict[tuple[str, str], str | None] = {}


# --- packages ---------------------------------------------------------------------------------------------------------
def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of the top-level modules *packages*, as far as they can be known; the standard library has none."""
    found: dict[str, str] = {}
    unknown: dict[str, str] = {}
    for name in sorted({package.partition(".")[0] for package in packages}):
        if name == "__main__" or name in sys.stdlib_module_names:
            continue
        version = _tried(lambda name=name: _own_version(name) or _distributed_version(name), None)  # type: ignore[misc]
        if version is not None:
            found[name] = version
        elif is_installed(file := _tried(lambda name=name: _file(name), "")):  # type: ignore[misc]
            unknown[name] = file
    missing = [name for name, file in unknown.items() if (name, file) not in _LISTED]
    if missing:
        listed = _listed_versions(missing)
        _LISTED.update({(name, unknown[name]): listed.get(name) for name in missing})
    for name, file in unknown.items():
        if (version := _LISTED[name, file]) is not None:
            found[name] = version
    return dict(sorted(found.items()))


def installed(packages: Iterable[str]) -> dict[str, str]:
    """The versions of the modules *packages* as they are installed, whether or not they are loaded; imports nothing."""
    names = [name for name in packages if name not in sys.stdlib_module_names]
    found = versions(names)
    missing = [name for name in names if name not in found]
    if missing:
        found |= _tried(lambda: _listed_versions(missing), dict[str, str]())
    return dict(sorted(found.items()))


def imported() -> set[str]:
    """The installed packages among the modules that are loaded now, by their top-level names; imports nothing."""
    return {
        name
        for name in list(sys.modules)
        if "." not in name
        and not name.startswith("_")
        and name not in sys.stdlib_module_names
        and is_installed(_tried(lambda name=name: _file(name), ""))  # type: ignore[misc]
    }


def _listed_versions(names: list[str]) -> dict[str, str]:
    """The versions of the distributions that list files of the modules *names*, called otherwise than themselves."""
    from importlib.metadata import distributions

    found: dict[str, str] = {}
    for owner in distributions():
        # As text: to parse the lists of all distributions, as `packages_distributions` does, takes ten times as long.
        listed = owner.read_text("top_level.txt") or owner.read_text("RECORD") or ""
        for name in names:
            if name not in found and re.search(rf"^{re.escape(name)}(?:$|[/.])", listed, re.MULTILINE):
                found[name] = owner.version
    return found


def _contents(name: str) -> dict[str, object]:
    """The module's own namespace, past any ``__getattr__`` of a lazy module."""
    contents = object.__getattribute__(sys.modules[name], "__dict__") if name in sys.modules else {}
    return contents if type(contents) is dict else {}


def _own_version(name: str) -> str | None:
    version = _contents(name).get("__version__")
    return version if type(version) is str else None


def _file(name: str) -> str:
    file = _contents(name).get("__file__")
    if type(file) is str:
        return file
    return next(iter(_contents(name).get("__path__", ())), "") if name in sys.modules else ""  # type: ignore[call-overload]


def _distributed_version(name: str) -> str | None:
    """The version of the distribution called like the module, unless the module is a local file that shadows it."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        owner = distribution(name)
    except PackageNotFoundError:
        return None
    file = _file(name)
    known = not file or is_installed(file) or _is_editable(owner) or _holds(owner, file)
    return owner.version if known else None


def _holds(owner: Distribution, file: str) -> bool:
    """Whether *file* lies in the folder that *owner* was installed into, whatever that is called (``pip install --target``)."""
    return os.path.realpath(file).startswith(os.path.join(os.path.realpath(str(owner.locate_file(""))), ""))


def _is_editable(owner: Distribution) -> bool:
    return owner.read_text("direct_url.json") is not None


# --- git --------------------------------------------------------------------------------------------------------------
def git(folder: str) -> dict[str, object] | None:
    """``commit``, ``branch``, ``dirty`` and ``root`` of the repository around *folder*; None without git or repository."""
    where = _git(folder, "rev-parse", "--show-toplevel")
    if not where:
        return None
    commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
    branch = _git(folder, "symbolic-ref", "--short", "--quiet", "HEAD")
    changes = _git(folder, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
    return {
        "commit": commit or None,
        "branch": branch or None,
        "dirty": None if changes is None else bool(changes),
        "root": where,
    }


def head(folder: str) -> dict[str, object] | None:
    """What `git` says as far as it stands in files of git's; ``dirty`` is None."""
    root = os.path.abspath(folder)
    while not os.path.exists(os.path.join(root, ".git")):
        if root == os.path.dirname(root):
            return None
        root = os.path.dirname(root)
    place = common = os.path.join(root, ".git")
    if os.path.isfile(place):  # a work tree, or a submodule
        place = common = os.path.join(root, _text(place).removeprefix("gitdir:").strip())
    if os.path.isfile(os.path.join(place, "commondir")):
        common = os.path.join(place, _text(os.path.join(place, "commondir")))
    said = _text(os.path.join(place, "HEAD"))
    ref = said.removeprefix("ref:").strip() if said.startswith("ref:") else None
    commit = _commit(common, ref) if ref is not None else said
    return {"commit": commit, "branch": ref and ref.removeprefix("refs/heads/"), "dirty": None, "root": root}


def _commit(place: str, ref: str) -> str | None:
    if os.path.isfile(os.path.join(place, *ref.split("/"))):
        return _text(os.path.join(place, *ref.split("/")))
    packed = os.path.join(place, "packed-refs")
    lines = _text(packed).splitlines() if os.path.isfile(packed) else []
    return next((line.partition(" ")[0] for line in lines if line.endswith(f" {ref}")), None)


def _text(file: str) -> str:
    with open(file, encoding="utf-8") as opened:
        return opened.read().strip()


def _subprocess() -> Any:
    """
    `subprocess` as no program has changed it, over the system's own functions: what a test has put in the place of `Popen` is not
    asked by us, and where files are closed later, as gevent does it, the end of a pipe would never come.
    """
    from importlib.machinery import PathFinder
    from importlib.util import module_from_spec

    spec = PathFinder.find_spec("subprocess") if "subprocess" in sys.modules else None
    if spec is None or spec.loader is None:
        module: Any = import_module("subprocess")
        return module
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    system = vars(sys.modules[os.name]) if os.name in sys.modules else {}
    module.os = SimpleNamespace(**vars(os) | {name: each for name, each in system.items() if callable(each)})
    return module


def _git(folder: str, *command: str) -> str | None:
    """The output of one git command; None if it failed, is not there or took too long."""
    subprocess = _subprocess()
    environment = {name: value for name, value in os.environ.items() if name not in _GIT_MISLEADERS}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_PAGER": "cat", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            ["git", "--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false", "-C", folder, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_GIT_SECONDS,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else None
