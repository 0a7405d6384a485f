"""What a run runs in: interpreter, machine, package versions, git. Nothing secret: no environment variables, no remotes.

Nothing here raises; what cannot be had is left empty.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from begat.record.model import Environment

if TYPE_CHECKING:
    from importlib.metadata import Distribution

T = TypeVar("T")
_GIT_SECONDS = 2.0
# Set inside git's own hooks, where they point at another repository than the folder's.
_GIT_MISLEADERS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
_INSTALLED = re.compile(r"[\\/](?:site|dist)-packages[\\/]")


def collect(packages: Iterable[str] = (), folder: str | None = None) -> Environment:
    """
    Describe this process: *packages* are the top-level modules whose versions matter.

    Git is asked about *folder*; by default that of the script that runs, or the current one.
    """
    import platform

    return Environment(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        platform=_tried(platform.platform, ""),
        host=_tried(platform.node, ""),
        user=_tried(_user, ""),
        cwd=_tried(os.getcwd, ""),
        packages=_tried(lambda: versions(packages), {}),
        git=_tried(lambda: git(folder or _script_folder()), None),
    )


def _tried(ask: Callable[[], T], otherwise: T) -> T:
    try:
        return ask()
    except Exception:
        return otherwise


def _user() -> str:
    import getpass

    return getpass.getuser()


def _script_folder() -> str:
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return os.path.dirname(os.path.abspath(file)) if isinstance(file, str) else os.getcwd()


# --- packages ---------------------------------------------------------------------------------------------------------
def versions(packages: Iterable[str]) -> dict[str, str]:
    """The versions of the top-level modules *packages*, as far as they can be known; the standard library has none."""
    found: dict[str, str] = {}
    unknown: list[str] = []
    for name in sorted({package.partition(".")[0] for package in packages}):
        if name == "__main__" or name in sys.stdlib_module_names:
            continue
        version = _tried(lambda name=name: _own_version(name) or _distributed_version(name), None)  # type: ignore[misc]
        if version is not None:
            found[name] = version
        elif _INSTALLED.search(_tried(lambda name=name: _file(name), "")):  # type: ignore[misc]
            unknown.append(name)
    if unknown:
        # Reads the files of every installed distribution: only for what is installed and has told nothing so far.
        from importlib.metadata import packages_distributions
        from importlib.metadata import version as version_of

        owners = packages_distributions()
        for name in unknown:
            for owner in owners.get(name, ())[:1]:
                found[name] = version_of(owner)
    return dict(sorted(found.items()))


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
    return owner.version if not file or _INSTALLED.search(file) or _is_editable(owner) else None


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


def _git(folder: str, *command: str) -> str | None:
    """The output of one git command; None if it failed, is not there or took too long."""
    import subprocess

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


# --- the command line -------------------------------------------------------------------------------------------------
MASK = "***"
_SECRET_WORDS = frozenset(
    "pass passwd password passphrase pwd secret secrets token apikey auth authorization bearer cred creds credential "  # noqa: SIM905
    "credentials private session sessionid cookie cookies".split()
)
_SECRET_PAIRS = frozenset(
    {("api", "key"), ("access", "key"), ("secret", "key"), ("private", "key"), ("account", "key")}
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_NAMED = re.compile(r"""([\w.-]+)["']?\s*[=:]\s*""")
_VALUE = re.compile(
    r"""(["'])(?:\\.|(?!\1).)*\1?|(?:(?:bearer|basic|token)\s+)?[^\s"'&,;}\]]+""", re.DOTALL | re.IGNORECASE
)
_WHOLE = re.compile(r"(-{0,2}[\w.-]+)(=)(.*)", re.DOTALL)
_TOKENS = re.compile(
    r"\b(?:A3T[A-Z0-9]|AKIA|ASIA|AGPA|AIDA|AROA|ANPA)[A-Z0-9]{16}\b"  # AWS
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_\w{20,}|\bglpat-[\w-]{20,}"  # GitHub, GitLab
    r"|\bhf_[A-Za-z0-9]{20,}|\bsk-[\w-]{20,}|\bAIza[\w-]{35}|\bxox[a-z]-[A-Za-z0-9-]{10,}"  # HF, OpenAI, Google, Slack
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JWT
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",  # PEM
    re.DOTALL,
)
_USERINFO = re.compile(r"(?<=://)[^\s/?#]*@")
_BEARER = re.compile(r"(?i)\b(bearer)\s+[\w.~+/=-]{8,}")


def scrubbed_argv(argv: Iterable[str]) -> tuple[str, ...]:
    """*argv* with everything that looks like a secret as ``***``: by the name of its option, by its shape, and in URLs."""
    found: list[str] = []
    awaited = False  # the value of the option before
    for word in argv:
        is_option = type(word) is str and word.startswith("-") and not word.startswith("-----")
        if awaited and not is_option:
            found.append(MASK)
            awaited = False
            continue
        # An error here must cost the value, never the mask.
        found.append(_tried(lambda word=word: _scrubbed(word), MASK))  # type: ignore[misc]
        awaited = is_option and "=" not in word and _tried(lambda word=word: _is_secret(word), True)  # type: ignore[misc]
    return tuple(found)


def _scrubbed(word: str) -> str:
    whole = _WHOLE.fullmatch(word)
    if whole and _is_secret(whole[1]):
        return f"{whole[1]}={MASK}"
    word = _USERINFO.sub(f"{MASK}@", _TOKENS.sub(MASK, word))
    word = _BEARER.sub(rf"\1 {MASK}", word)
    kept, at = "", 0
    for name in _NAMED.finditer(word):
        value = _VALUE.match(word, name.end())
        if name.start() >= at and value and _is_secret(name[1]):
            kept, at = kept + word[at : name.end()] + MASK, value.end()
    return kept + word[at:]


def _is_secret(name: str) -> bool:
    """Whether the value under *name* is one to hide: by whole words, for ``max_tokens`` and ``tokenizer`` hide nothing."""
    words = [part.lower() for part in _WORDS.findall(name)]
    return not _SECRET_WORDS.isdisjoint(words) or any(pair in _SECRET_PAIRS for pair in pairwise(words))
