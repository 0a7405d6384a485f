"""What a run says of its surroundings, and what it must not say."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import types

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from begat.introspect import environment
from begat.introspect.environment import collect, git, imported, versions
from begat.introspect.secrets import scrubbed_argv

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def repository(tmp_path):
    def command(*words):
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *identity, "-C", str(tmp_path), *words], check=True, capture_output=True)

    command("init", "-b", "trunk")
    (tmp_path / "train.py").write_text("x = 1\n")
    command("add", "train.py")
    command("commit", "-m", "first")
    return tmp_path


def test_the_interpreter_and_the_machine_are_described():
    """Interpreter, platform, host and folder are those of this process."""
    found = collect()

    assert found.python == ".".join(map(str, sys.version_info[:3]))
    assert found.implementation.lower() == sys.implementation.name
    assert found.cwd == os.getcwd()
    assert found.platform
    assert found.host
    assert found.packages == {}


def test_no_environment_variable_is_recorded(monkeypatch):
    """Nothing of the environment's values gets into the description."""
    monkeypatch.setenv("SOME_SETTING", "canary-5f1c")

    assert "canary-5f1c" not in repr(collect(["pytest", "hypothesis"]))


def test_versions_are_those_of_the_imported_packages():
    """A package tells its version itself or through its distribution, also when that has another name."""
    import _pytest

    assert _pytest.__name__ in sys.modules
    found = versions(["pytest", "_pytest", "json", "__main__", "no_such_package", "hypothesis.strategies"])

    assert found == {"_pytest": pytest.__version__, "hypothesis": hypothesis.__version__, "pytest": pytest.__version__}


def test_a_version_that_is_no_text_is_not_taken(monkeypatch):
    """A lazy or odd ``__version__`` is not asked for its text."""
    odd = types.ModuleType("odd")
    odd.__version__ = types.SimpleNamespace()
    odd.__getattr__ = lambda name: pytest.fail(f"{name} was asked for")
    monkeypatch.setitem(sys.modules, "odd", odd)

    assert versions(["odd"]) == {}


def test_a_local_file_does_not_get_the_version_of_a_package_it_shadows(monkeypatch, tmp_path):
    """``pytest.py`` in the user's folder is not pytest."""
    local = types.ModuleType("pytest")
    local.__file__ = str(tmp_path / "pytest.py")
    monkeypatch.setitem(sys.modules, "pytest", local)

    assert versions(["pytest"]) == {}


def test_a_package_in_a_folder_of_its_own_has_a_version(monkeypatch, tmp_path):
    """``pip install --target vendor``: the folder has another name, and the distribution lies beside the module."""
    (tmp_path / "vendored").mkdir()
    (tmp_path / "vendored" / "__init__.py").write_text("")
    (tmp_path / "vendored-1.2.dist-info").mkdir()
    (tmp_path / "vendored-1.2.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: vendored\nVersion: 1.2\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "vendored", __import__("vendored"))

    assert versions(["vendored"]) == {"vendored": "1.2"}


def test_the_slow_lookup_waits_until_it_is_needed(monkeypatch):
    """The files of all distributions are read only for installed packages that no quicker way knows."""
    from importlib import metadata

    monkeypatch.setitem(sys.modules, "local", types.ModuleType("local"))
    monkeypatch.setattr(metadata, "distributions", lambda: pytest.fail("read everything"))

    assert "pytest" in versions(["pytest", "json", "local", "no_such_package"])


def test_a_module_called_otherwise_than_its_distribution_has_a_version(monkeypatch, tmp_path):
    """What installers list of a distribution's files tells whose a module is."""
    home = tmp_path / "site-packages"
    for name, version, listed in (("odd-name", "1.2", "oddly/__init__.py,,\n"), ("other", "3", "notoddly/x.py,,\n")):
        info = home / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "RECORD").write_text(listed)
    (home / "oddly").mkdir()
    (home / "oddly" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(home))
    __import__("oddly")

    assert "oddly" in imported()
    assert versions(["oddly"]) == {"oddly": "1.2"}
    monkeypatch.delitem(sys.modules, "oddly")


def test_imported_packages_are_the_installed_ones():
    """Neither Python's own modules, nor the program's, nor private ones, nor parts of packages; nothing is imported."""
    before = set(sys.modules)
    found = imported()

    assert {"pytest", "hypothesis"} <= found
    assert not {"os", "sys", "__main__", "_pytest", "handmade", "hypothesis.strategies"} & found
    assert set(sys.modules) == before


def test_odd_modules_never_raise(monkeypatch):
    """Whatever stands in sys.modules, the description is made."""
    monkeypatch.setitem(sys.modules, "none", None)
    monkeypatch.setitem(sys.modules, "number", 5)

    assert collect(["none", "number", "", "a.b", "\x00"]).packages == {}
    assert not {"none", "number"} & imported()


@needs_git
def test_a_clean_repository(repository):
    """Commit, branch and root; untracked files do not make it dirty, changes do."""
    (repository / "notes.txt").write_text("untracked")
    found = git(str(repository))

    assert re.fullmatch("[0-9a-f]{40}", found.pop("commit"))
    assert found == {"branch": "trunk", "dirty": False, "root": os.path.realpath(repository)}

    (repository / "train.py").write_text("x = 2\n")
    assert git(str(repository))["dirty"] is True


@needs_git
def test_a_repository_without_commits(tmp_path):
    """Before the first commit there is a branch and no commit."""
    subprocess.run(["git", "-C", str(tmp_path), "init", "-b", "trunk"], check=True, capture_output=True)

    assert git(str(tmp_path)) == {"commit": None, "branch": "trunk", "dirty": False, "root": os.path.realpath(tmp_path)}


@needs_git
def test_the_folder_decides_and_not_the_environment(repository, tmp_path_factory, monkeypatch):
    """Variables that git sets for its hooks do not lead to another repository."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path_factory.mktemp("other")))

    assert git(str(repository))["branch"] == "trunk"


def test_no_repository_is_none(tmp_path):
    """A folder outside any repository, or one that is not there, has no git."""
    assert git(str(tmp_path)) is None
    assert git(str(tmp_path / "missing")) is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it is asked")
def test_no_process_is_started_for_the_platform():
    """One that ends would be news to a program that waits for its own; the text is the same."""
    begun: list[object] = []
    sys.addaudithook(lambda event, args: begun.append(args) if event == "subprocess.Popen" else None)
    found = environment.collect(running=True).platform

    assert begun == []
    assert found == platform.platform()


@needs_git
def test_git_is_asked_whatever_stands_for_popen(repository, monkeypatch):
    """What the program put in the place of `subprocess.Popen` is for itself."""
    monkeypatch.setattr(subprocess, "Popen", None)

    assert git(str(repository))["branch"] == "trunk"


@needs_git
def test_git_is_asked_where_files_are_closed_later(repository, monkeypatch):
    """As gevent does it: the pipe that says that git has begun would have no end."""
    close, later, found = os.close, [], []
    monkeypatch.setattr(os, "close", later.append)
    asking = threading.Thread(target=lambda: found.append(git(str(repository))), daemon=True)
    asking.start()
    asking.join(20)
    monkeypatch.undo()
    for each in later:
        close(each)
    assert [each["branch"] for each in found] == ["trunk"]


def test_no_git_is_none(tmp_path, monkeypatch):
    """Without the git command the description is made without it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    assert collect(folder=str(tmp_path)).git is None


@pytest.mark.skipif(os.name == "nt", reason="the stand-in is a shell script")
def test_a_git_that_hangs_is_given_up(tmp_path, monkeypatch):
    """A repository on a dead network drive does not hold the program."""
    (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(environment, "_GIT_SECONDS", 0.1)

    assert git(str(tmp_path)) is None


SECRETS = [
    (["--api-key", "CANARY"], ("--api-key", "***")),
    (["--password=CANARY with, spaces"], ("--password=***",)),
    (["token=CANARY"], ("token=***",)),
    (["db.password=CANARY"], ("db.password=***",)),
    (["--dbPassword", "CANARY"], ("--dbPassword", "***")),
    (["AWS_SECRET_ACCESS_KEY=CANARY"], ("AWS_SECRET_ACCESS_KEY=***",)),
    (["--hf-token", "CANARY", "lr=1"], ("--hf-token", "***", "lr=1")),
    (["postgres://me:CANARY@host/db"], ("postgres://***@host/db",)),
    (["https://CANARY@host/x"], ("https://***@host/x",)),
    (["https://host/x?token=CANARY&page=1"], ("https://host/x?token=***&page=1",)),
    (['{"password": "CANARY two", "a": 1}'], ('{"password": ***, "a": 1}',)),
    (["-H", "Authorization: Bearer CANARYCANARY"], ("-H", "Authorization: ***")),
    (["x AKIAABCDEFGHIJKLMNOP y"], ("x *** y",)),
    (["ghp_" + "a1" * 18], ("***",)),
    (["github_pat_" + "a1" * 20], ("***",)),
    (["hf_" + "aB" * 17], ("***",)),
    (["xoxb-123456789012-abcdef"], ("***",)),
    (["sk-proj-" + "a1" * 20], ("***",)),
    (["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"], ("***",)),
    (["-----BEGIN RSA PRIVATE KEY-----\nCANARY\n-----END RSA PRIVATE KEY-----"], ("***",)),
]


@pytest.mark.parametrize(("argv", "expected"), SECRETS, ids=lambda value: str(value)[:30])
def test_secrets_on_the_command_line_are_masked(argv, expected):
    """By the name before them, by their shape, and in addresses."""
    assert scrubbed_argv(argv) == expected
    assert "CANARY" not in repr(scrubbed_argv(argv))


@pytest.mark.parametrize(
    "word",
    [
        "train.py",
        "lr=1e-3",
        "tokenizer=bert",
        "--max-tokens",
        "--author=me",
        "compass=n",
        "https://host/a@b",
        "a:b",
        "--",
        "",
    ],
)
def test_what_is_no_secret_stays(word):
    """Ordinary words are recorded as they were."""
    assert scrubbed_argv([word, "512"]) == (word, "512")


@given(
    st.lists(
        st.one_of(st.text(), st.integers(), st.none(), st.sampled_from([word for argv, _ in SECRETS for word in argv]))
    )
)
def test_scrubbing_never_raises_and_keeps_the_count(argv):
    """Whatever is in argv, there is one text for each word."""
    found = scrubbed_argv(argv)

    assert len(found) == len(argv)
    assert all(type(word) is str for word in found)
