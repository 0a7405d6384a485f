"""`begat sweep`: trials are ordinary runs; failures, interrupts and kills leave everything so that it can be gone on with."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys

import pytest
from click.testing import CliRunner

from begat.cli.main import command

unix = pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")


def test_every_trial_is_an_ordinary_run(place):
    """Each has a record with its override in it, its own files, and its place in the table."""
    trials = place.sweep(
        "train.py", "Net.depth=2,4", 'net.name="a,b",c', "Net.lr=0.5", "--name", "grid", "--", "--epochs", "3"
    )

    runs = {run.id: run for run in place.runs()}
    assert len(runs) == len(trials) == 4
    for number, (depth, name) in enumerate([(2, "a,b"), (2, "c"), (4, "a,b"), (4, "c")]):
        trial = trials[number]
        run = runs[trial["run"]]
        assert run.name == f"grid.{number:04}"
        params = run["net"].params
        assert (params["depth"], params["name"], params["lr"]) == (depth, name, 0.5)
        assert run["net"].arguments["depth"].source == "override"
        assert trial["state"] == "finished"
        assert trial["result"] == {"loss": depth * 0.5, "name": name}
        assert (place.folder / f"{number:04}.out").read_text() == "argv ['--epochs', '3']\n"
        assert (place.folder / f"{number:04}.err").read_text() == ""


def test_a_bash_loop_does_the_same(place):
    """What --dry-run prints can be given to a shell: the runs have the same arguments."""
    words = ("train.py", "Net.depth=4", "net.name='it''s',\"a b\"", "--watch", "json.*", "--", "-x", "a b")
    printed = place.begat("sweep", "--dry-run", *words)
    assert not (place.path / ".begat").exists()
    place.sweep("-j", "1", *words)
    by_sweep = [(run["net"].params, run.header.argv) for run in place.runs()]

    for line in printed.stdout.splitlines():
        assert place.begat(*shlex.split(line)[1:]).returncode == 0
    by_hand = [(run["net"].params, run.header.argv) for run in place.runs()[len(by_sweep) :]]

    assert by_hand == by_sweep
    assert len(by_hand) == 2


def test_the_best_comes_first(place):
    """In the table, which is columns separated by tabs where no terminal is; by number without an objective."""
    done = place.begat("sweep", "train.py", "Net.depth=3,1,2", "--minimize", "loss")

    head, *rows = (line.split("\t") for line in done.stdout.splitlines())
    assert head == ["trial", "Net.depth", "loss", "name", "took", "outcome", "run"]
    assert [row[:3] for row in rows] == [["1", "1", "0.1"], ["2", "2", "0.2"], ["0", "3", "0.3"]]

    again = place.begat("sweep", "train.py", "Net.depth=3,1,2", "--maximize", "loss")
    assert [line.split("\t")[1] for line in again.stdout.splitlines()[1:]] == ["3", "2", "1"]
    assert place.begat("sweep", "train.py", "Net.depth=3,1").stdout.splitlines()[1].startswith("0\t3\t")


def test_failures_are_kept_and_done_again_on_request(place):
    """The others go on; the table has the last line of standard error; the exit code is 1 until all went well."""
    done = place.begat("sweep", "train.py", "Net.depth=1,13,3", "-j", "1")

    assert done.returncode == 1
    assert "\tfailed: ValueError: thirteen\t" in done.stdout
    assert "--retry-failed" in done.stderr
    assert place.begat("sweep", "--resume", "last").returncode == 1
    assert place.begun == [1, 3]

    text = (place.path / "train.py").read_text()
    (place.path / "train.py").write_text(text.replace("depth == 13", "depth == 14"))
    trials = place.sweep("--resume", "last", "--retry-failed")
    assert place.begun == [1, 3, 13]
    assert [trial["state"] for trial in trials.values()] == ["finished"] * 3


def test_json_lines_are_results_too(place):
    """The last line of output that is an object; `run.result` has the last word; scopes inside the program count."""
    (place.path / "train.py").write_text(
        "import begat\nclass Net:\n    def __init__(self, depth): self.depth = depth\n"
        "net = Net(1)\n"
        "with begat.capture() as run:\n    run.result(inner=net.depth, both=1)\n"
        "begat.graph().result(both=2)\n"
        'print(\'{"said": 5, "both": 3}\')\nprint("bye")\n'
    )

    (trial,) = place.sweep("train.py", "Net.depth=7", "--minimize", "inner").values()

    assert (trial["value"], trial["result"]) == (7.0, {"said": 5, "both": 2, "inner": 7})


def test_what_was_varied_is_told_once(place):
    """A result of the name of an argument has no second column; the program says the name that it was given."""
    head, *rows = place.begat("sweep", "train.py", "Net.name=a,b").stdout.splitlines()

    assert head.split("\t") == ["trial", "Net.name", "loss", "took", "outcome", "run"]
    assert [row.split("\t")[1] for row in rows] == ["a", "b"]


def test_an_objective_that_is_not_said_is_a_failure(place):
    """The message says what was said, and how to say the other."""
    (trial,) = place.sweep("train.py", "Net.depth=1", "--minimize", "accuracy", expect=1).values()

    assert trial["state"] == "failed"
    assert "no number 'accuracy'" in trial["error"]
    assert "it said loss, name" in trial["error"]


def test_what_no_trial_can_do_ends_the_sweep(place):
    """A mistake in a path costs the first trials and not all of them; exit code 2, with the nearest names."""
    done = place.begat("sweep", "train.py", "Net.depht=range(50)", "-j", "2")

    assert done.returncode == 2
    assert place.lines < 6
    assert "did you mean" in done.stderr
    assert "depth" in done.stderr


def test_a_script_that_ends_with_two_is_only_a_failure(place):
    """Exit code 2 is also what argparse has."""
    (place.path / "train.py").write_text(
        "import sys\nclass Net:\n    def __init__(self, depth=1): pass\nNet()\nsys.exit(2)\n"
    )

    assert len(place.sweep("train.py", "Net.depth=range(5)", expect=1)) == 5


@unix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stopped_sweep_can_be_gone_on_with(place, number):
    """The trials under way are stopped and are to be done again; the message says how; no other is done twice."""
    words = ("train.py", "Net.depth=range(1,4)", "Net.wait=0,0.5", "--sampler", "grid", "-j", "2")
    process = place.start("sweep", *words)
    place.wait(lambda: place.lines >= 2)

    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    ended = place.lines
    assert process.returncode == 128 + number
    assert "; once more kills them" in err
    assert f"go on with: begat sweep --resume {place.folder.name}" in err
    assert 2 <= ended < 6
    assert len(out.splitlines()) == ended + 1
    trials = place.sweep("--resume", place.folder.name)
    assert [trial["state"] for trial in trials.values()] == ["finished"] * 6
    assert sum(place.begun.count(depth) for depth in range(1, 4)) <= 6 + 2
    assert place.lines == 6


@unix
def test_a_stopped_trial_is_not_called_finished(place):
    """A program that ends in good order when interrupted has done half of its work."""
    (place.path / "train.py").write_text(
        "import time\nclass Net:\n    def __init__(self, depth=1): pass\nNet()\n"
        "open('begun', 'a').write('1 ')\n"
        "try: time.sleep(60)\nexcept KeyboardInterrupt: print('saved')\n"
    )
    process = place.start("sweep", "train.py", "Net.depth=1,2", "-j", "2")
    place.wait(lambda: len(place.begun) == 2)

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)

    assert process.returncode == 130
    assert place.lines == 0
    assert (place.folder / "0000.out").read_text() == "saved\n"


@unix
def test_a_second_interrupt_kills(place):
    """A program that heeds neither SIGINT nor SIGTERM keeps nobody waiting."""
    (place.path / "train.py").write_text(
        "import signal, time\nclass Net:\n    def __init__(self, depth=1): pass\nNet()\n"
        "for number in (signal.SIGINT, signal.SIGTERM): signal.signal(number, signal.SIG_IGN)\n"
        "open('begun', 'a').write('1 ')\ntime.sleep(60)\n"
    )
    process = place.start("sweep", "train.py", "Net.depth=1,2", "-j", "2")
    place.wait(lambda: len(place.begun) == 2)

    process.send_signal(signal.SIGINT)
    place.wait(lambda: process.poll() is None)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=5)

    assert process.returncode == 130


@unix
def test_a_killed_sweep_is_gone_on_with(place):
    """After `kill -9` what had ended is not done again, and the book is free."""
    process = place.start("sweep", "train.py", "Net.depth=range(1,9)", "Net.wait=0.2", "-j", "1")
    place.wait(lambda: place.lines >= 2)
    busy = place.begat("sweep", "--resume", "last")
    assert busy.returncode == 2
    assert "under way in another process" in busy.stderr

    process.kill()
    process.communicate()
    before = place.lines
    trials = place.sweep("--resume", "last", "-j", "2")

    assert [trial["state"] for trial in trials.values()] == ["finished"] * 8
    assert len(place.begun) <= 8 + 1
    assert place.lines == 8
    assert before < 8


def test_a_module_is_swept_as_a_script_is(place):
    """With -m, as with `begat run`."""
    trials = place.sweep("-m", "train", "Net.depth=1,2", "--minimize", "loss")

    assert sorted(trial["value"] for trial in trials.values()) == [0.1, 0.2]


def test_a_sweep_is_gone_on_with_from_elsewhere(place, tmp_path_factory, monkeypatch):
    """The plan has the folder: from another one, trials are those they would have been."""
    place.sweep("train.py", "Net.depth=1,13", expect=1)
    (place.path / "below").mkdir()
    text = (place.path / "train.py").read_text()
    (place.path / "train.py").write_text(text.replace("depth == 13", "depth == 14"))

    process = place.start("sweep", "--resume", "last", "--retry-failed", "--json")
    out, err = process.communicate(timeout=60)

    assert process.returncode == 0, err
    assert len(json.loads(out)["trials"]) == 2
    assert place.begun == [1, 13]


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((), "give a script"),
        (("train.py",), "give values"),
        (("nosuch.py", "a=1"), "no such file"),
        (("a=1,2",), "give a script"),
        (("train.py", "a"), "PATH=VALUE"),
        (("train.py", "--epochs", "3", "a=1"), "--epochs"),
        (("train.py", "a=log(1,2)"), "log(from,to,count)"),
        (("train.py", "a=1,2", "a=3"), "given twice"),
        (("train.py", "a=1,2", "--sampler", "best"), "grid, zip, random, optuna"),
        (("train.py", "a=1,2", "--sampler", "grid:x"), "no sampler"),
        (("train.py", "a=1,2", "--executor", "slurm"), "local, dask, ray"),
        (("train.py", "a=1,2", "--minimize", "x", "--maximize", "y"), "not both"),
        (("train.py", "a=1,2", "--storage", "sqlite://"), "--sampler optuna"),
        (("train.py", "a=1,2", "--address", "tcp://x"), "--executor dask or ray"),
        (("train.py", "a=uniform(0,1)"), "--sampler random"),
        (("train.py", "a=uniform(0,1)", "--sampler", "random"), "--trials"),
        (("train.py", "a=1,2", "--retry-failed"), "--resume"),
        (("--resume", "last"), "holds none yet"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is_written(place, words, problem, monkeypatch):
    """Exit code 2, and what to do."""
    monkeypatch.chdir(place.path)
    monkeypatch.delenv("BEGAT_HOME", raising=False)
    done = CliRunner().invoke(command, ["sweep", *words])

    assert done.exit_code == 2
    assert problem in done.output
    assert not (place.path / ".begat").exists()


@unix
def test_a_terminal_sees_how_far_it_is(place):
    """A bar with what is under way, failures as they happen, the table at the end; where nobody looks there is none of it."""
    pty = pytest.importorskip("pty")
    inside, outside = pty.openpty()
    process = place.start("sweep", "train.py", "Net.depth=1,13", "--minimize", "loss", "-j", "1")
    silent = process.communicate(timeout=60)[1]
    assert silent.count("\n") == 1

    kept = dict(os.environ, TERM="xterm", COLUMNS="150")
    process = subprocess.Popen(
        [sys.executable, "-m", "begat", "sweep", "train.py", "Net.depth=1,13", "--minimize", "loss", "-j", "1"],
        cwd=place.path, env=kept, stdout=outside, stderr=outside, stdin=outside,
    )  # fmt: skip
    os.close(outside)
    seen = b""
    while True:
        try:
            more = os.read(inside, 65536)
        except OSError:
            break
        if not more:
            break
        seen += more
    process.wait(60)
    text = seen.decode()
    assert "trial 1 failed: ValueError: thirteen" in text
    assert "best loss 0.1 in trial 0" in text
    assert "1 under way" in text


KEYS = """
import sys, begat
class Client:
    def __init__(self, api_key="", url="", wait=0):
        self.api_key = api_key
client = Client()
open("seen", "a").write(f"{client.api_key} {sys.argv[1:]}\\n")
if client.api_key.endswith("2"):
    raise ValueError(f"bad key {client.api_key}, password={sys.argv[-1]}")
begat.graph().result(score=1.5, token_used=f"api_key={client.api_key}")
"""


def test_secrets_are_in_no_file_of_a_sweep(place):
    """By name and by shape, among the values and the script's own words; who goes on with it gives them again."""
    (place.path / "keys.py").write_text(KEYS)
    first, second, url, word = "correct-horse-1", "correct-horse-2", "postgres://u:Pw9Xw@h/d", "hunter22"
    secret = (first, second, "Pw9Xw", word)
    words = (f"Client.api_key={first},{second}", f"Client.url={url}", "Client.wait=1,2")
    behind = ("--", "--password", word)

    dry = place.begat("sweep", "--dry-run", "keys.py", *words, *behind)
    done = place.begat("sweep", "-j", "1", "--minimize", "score", "keys.py", *words, *behind)

    asked = f"begat sweep --resume {place.folder.name} Client.api_key=VALUE,VALUE Client.url=VALUE -- --password ***"
    told = place.begat("sweep", "--resume", "last", "--retry-failed")
    less = place.begat("sweep", "--resume", "last", f"Client.api_key={first}", f"Client.url={url}", *behind)
    wrong = place.begat(
        "sweep", "--resume", "last", "--seed", "1", "--dry-run", "keys.py", "Client.wait=7", f"Client.api_key={second}"
    )
    again = place.begat("sweep", "--json", "--resume", "last", "--retry-failed", *words[:2], *behind)
    shown = "".join(one.stdout + one.stderr for one in (dry, done, told, less, wrong, again))

    assert (done.returncode, told.returncode, less.returncode, wrong.returncode, again.returncode) == (1, 2, 2, 2, 1)
    assert asked in told.stderr
    assert asked in less.stderr
    assert "it does not take --seed --dry-run keys.py Client.wait=7" in wrong.stderr
    seen = (place.path / "seen").read_text().splitlines()
    assert seen == [f"{key} ['--password', '{word}']" for key in (first, first, second, second, second, second)]
    values = [trial["values"]["Client.api_key"] for trial in json.loads(again.stdout)["trials"]]
    assert values == ["***1", "***1", "***2", "***2"]
    for file in (path for path in place.path.rglob("*") if path.is_file()):
        ours = file.suffix != ".err" and file.name not in ("keys.py", "seen")  # those are what the program wrote
        assert not ours or not any(text in file.read_text(errors="replace") for text in secret), file
    assert not any(text in shown for text in secret)
