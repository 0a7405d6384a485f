"""`python -m begat.testing.under_capture`: outcomes with and without capture, test by test."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from harness import SOURCE

SUITE = """\
import pytest
class Net:
    def __init__(self, width): self.width = width
def test_passes(): assert Net(3).width == 3
def test_fails(): assert Net(3).width == 4
@pytest.mark.skip
def test_skipped(): pass
@pytest.mark.xfail
def test_expected(): assert not Net(1)
@pytest.fixture
def broken(): raise OSError
def test_error(broken): pass
@pytest.mark.parametrize("width", range(3))
def test_each(width): assert Net(width).width == width
"""
NOTICES = "import dis\ndef test_notices(): assert not any('begat' in str(c) for c in Net.__init__.__code__.co_consts)\n"
DIES = "import os\ndef test_dies():\n    if 'begat.capture.session' in __import__('sys').modules: os.abort()\n"
INTERRUPTED = """
import signal
def test_interrupted():
    def late(*_): raise TimeoutError
    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    while True: Net(3)
"""
UNSTEADY = "import os\ndef test_unsteady():\n    if os.path.exists('seen'): return\n    open('seen', 'w').close()\n    assert False\n"


def under_capture(folder, *words, text=SUITE):
    package = folder / "netpackage"
    package.mkdir(exist_ok=True)
    (package / "__init__.py").write_text("")
    (package / "test_net.py").write_text(text)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(SOURCE), str(folder)))}
    command = [sys.executable, "-m", "begat.testing.under_capture", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_same_outcomes(tmp_path):
    """All kinds of outcome are counted once, constructions are recorded, and the exit code is 0."""
    done = under_capture(tmp_path, "--json", "--pyargs", "netpackage")
    found = json.loads(done.stdout)

    assert done.returncode == 0
    assert found["plain"]["outcomes"] == found["captured"]["outcomes"]
    assert found["plain"]["outcomes"] == {"passed": 4, "failed": 1, "skipped": 1, "xfailed": 1, "error": 1}
    assert found["captured"]["nodes"] == 6
    assert (found["changed"], found["unsteady"], found["captured"]["wrong"]) == ([], [], {})


def test_in_words_and_with_a_pattern(tmp_path):
    """Files instead of packages, with what to watch; the last line says it."""
    done = under_capture(
        tmp_path, "--watch", "netpackage", "--watch", "test_net", "netpackage/test_net.py", "-k", "passes or each"
    )

    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "every test has the same outcome"
    assert "4 constructions recorded" in done.stdout


def test_a_test_that_notices(tmp_path):
    """Its id, both outcomes and its own message; exit code 1."""
    done = under_capture(tmp_path, "--pyargs", "netpackage", text=SUITE + NOTICES)

    assert done.returncode == 1
    assert "test_net.py::test_notices: passed, captured failed" in done.stdout
    assert "assert not True" in done.stdout


def test_files_with_tests_of_one_name(tmp_path):
    """Tests are told apart by their files; a file that cannot be collected is an outcome and keeps none from running."""
    package = tmp_path / "netpackage"
    package.mkdir()
    (package / "test_other.py").write_text("def test_passes(): assert False\n")
    (package / "test_bad.py").write_text("import nosuchmodule\n")
    modules = ("netpackage.test_net", "netpackage.test_other", "netpackage.test_bad")
    done = under_capture(tmp_path, "--json", "-k", "passes", "--pyargs", *modules)
    found = json.loads(done.stdout)

    assert found["plain"]["outcomes"] == found["captured"]["outcomes"] == {"passed": 1, "failed": 1, "error": 1}
    assert done.returncode == 0, done.stdout


def test_a_process_that_dies(tmp_path):
    """The last test that began, and the signal; what did not run counts as changed."""
    done = under_capture(tmp_path, "--pyargs", "netpackage", text=SUITE + DIES)

    assert done.returncode == 1
    assert "died of signal 6 in" in done.stdout
    assert "test_dies: passed, captured not run" in done.stdout


def test_an_interrupt_within_begat(tmp_path):
    """A test that a signal ends is one failure, wherever it falls: on instructions that have no line, too."""
    done = under_capture(tmp_path, "--json", "--pyargs", "netpackage", text=SUITE + INTERRUPTED)
    found = json.loads(done.stdout)

    assert done.returncode == 0, done.stdout
    assert found["captured"]["outcomes"] == found["plain"]["outcomes"]
    assert found["captured"]["outcomes"]["failed"] == 2


def test_a_test_that_comes_out_now_so_now_so(tmp_path):
    """What does not differ when it runs again is told apart."""
    done = under_capture(tmp_path, "--watch", "netpackage", "netpackage/test_net.py", text=SUITE + UNSTEADY)

    assert done.returncode == 0, done.stdout
    assert "unsteady: netpackage/test_net.py::test_unsteady" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--pyargs", "nosuchpackage"], "nosuchpackage|--watch"),
        ([], "--watch"),
        (["--pyargs", "netpackage", "-k", "nothing"], "no tests"),
    ],
)
def test_trouble(words, said, tmp_path):
    """Nothing to run, or nothing to watch, is exit code 2 with a word on why."""
    import re

    done = under_capture(tmp_path, *words)

    assert done.returncode == 2
    assert re.search(said, done.stdout + done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize(
    "suite",
    ["sklearn.tests.test_pipeline", "sklearn.linear_model.tests.test_bayes", "sklearn.linear_model.tests.test_base"],
)
def test_scikit_learn(suite, tmp_path):
    """Every test of scikit-learn's pipelines and of some of its linear models comes out the same with every class watched."""
    pytest.importorskip("sklearn")
    done = under_capture(tmp_path, "--json", "--pyargs", suite)
    found = json.loads(done.stdout)

    assert (done.returncode, found["changed"], found["captured"]["wrong"]) == (0, [], {}), done.stdout
    assert found["plain"]["outcomes"]["passed"] > 20
    assert found["captured"]["nodes"] > 100
