"""What people type for a run, and the record it leads to."""

from __future__ import annotations

import os
import time

import pytest

from begat.cli.find import find, home, ids
from begat.errors import UnknownRun
from begat.record.codec import dumps
from begat.record.graph import Run
from begat.record.model import Environment, Header
from handmade import node

NEW, OLD, OLDER = "20261122-104501-3fa9c2", "20261121-090000-aaaaaa", "20261121-080000-bbbbbb"


def keep(folder, number, script=None, cwd="", name=None):
    """Put a run into the ``.begat`` folder under *folder*."""
    record = folder / ".begat" / "runs" / number / "run.json"
    record.parent.mkdir(parents=True)
    run = Run(Header(number, name, script=script, outcome="finished"), (node(1, "model"),), Environment(cwd=cwd))
    record.write_bytes(dumps(run))
    return record


@pytest.fixture
def kept(tmp_path, monkeypatch):
    monkeypatch.delenv("BEGAT_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return {number: keep(tmp_path, number) for number in (OLD, NEW, OLDER)}


@pytest.mark.parametrize("said", [NEW, "20261122", "last", f".begat/runs/{NEW}", f".begat/runs/{NEW}/run.json"])
def test_every_way_of_saying_leads_to_the_record(kept, said):
    """An id, the beginning of one, `last`, a run's folder and its file are all the run."""
    assert find(said).resolve() == kept[NEW]


def test_ids_are_newest_first_and_only_those_with_a_record(kept, tmp_path):
    """A folder in which nothing was finished is no run."""
    (tmp_path / ".begat" / "runs" / "20269999-000000-cccccc").mkdir()

    assert ids(home()) == [NEW, OLD, OLDER]


def test_runs_are_found_from_folders_below(kept, tmp_path, monkeypatch):
    """As with git, any folder below will do."""
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)

    assert find("last") == kept[NEW]


def test_the_environment_names_another_home(kept, tmp_path_factory, monkeypatch):
    """BEGAT_HOME wins over the folders."""
    other = tmp_path_factory.mktemp("other")
    record = keep(other, "20200101-000000-dddddd")
    monkeypatch.setenv("BEGAT_HOME", str(other / ".begat"))

    assert find("last") == record


def test_an_ambiguous_beginning_lists_the_candidates(kept):
    """A beginning that several ids share is refused with their names."""
    with pytest.raises(UnknownRun, match=f"2 runs: {OLD}, {OLDER}"):
        find("20261121")


@pytest.mark.parametrize("said", ["2025", "nothing", ""])
def test_an_unknown_run_lists_what_there_is(kept, said):
    """The error names the runs and the folder."""
    with pytest.raises(UnknownRun, match=f"there are {NEW}"):
        find(said)


def test_a_path_that_is_not_there_is_taken_for_a_path(kept):
    """What holds a separator is no id."""
    with pytest.raises(UnknownRun, match="no record at"):
        find(f"missing{os.sep}run.json")


def test_an_empty_place_says_how_to_make_a_run(tmp_path, monkeypatch):
    """Without any run, the error says what to do."""
    monkeypatch.delenv("BEGAT_HOME", raising=False)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(UnknownRun, match=r"begat run train\.py"):
        find("last")


def test_a_script_means_its_last_run(kept, tmp_path):
    """The newest run of the very same file is meant, whichever way either path was written."""
    script = tmp_path / "train.py"
    script.write_text("")
    keep(tmp_path, "20261123-000000-eeeeee", str(script))
    mine = keep(tmp_path, "20261124-000000-ffffff", "train.py", str(tmp_path))
    keep(tmp_path, "20261125-000000-000000", str(tmp_path / "other" / "train.py"))

    assert find("train.py") == mine
    assert find("./other/../train.py") == mine


def test_a_name_means_its_newest_run(kept, tmp_path):
    """The name of --name; an id comes first, and a broken file is passed over."""
    keep(tmp_path, "20261123-000000-eeeeee", name='base \u2713 "line"')
    newest = keep(tmp_path, "20261124-000000-ffffff", name='base \u2713 "line"')
    keep(tmp_path, "20261125-000000-000000", name=OLD)
    keep(tmp_path, "20261126-000000-000000").write_text('{"run": {"name": 3')

    assert find('base \u2713 "line"') == newest
    assert find(OLD) == kept[OLD]
    with pytest.raises(UnknownRun):
        find("base")


def test_a_script_never_run_says_so(kept):
    """The error says to run it once."""
    with pytest.raises(UnknownRun, match=r"begat run new\.py"):
        find("new.py")


def test_a_broken_record_does_not_hide_an_older_one(kept, tmp_path):
    """A file that is no record is passed over when a script's run is looked for."""
    mine = keep(tmp_path, "20261124-000000-ffffff", str(tmp_path / "train.py"))
    keep(tmp_path, "20261125-000000-000000").write_text('{"train.py": ')

    assert find("train.py") == mine


def test_thousands_of_runs_are_no_trap(kept, tmp_path):
    """Looking for an id reads no record."""
    for count in range(2000):
        folder = tmp_path / ".begat" / "runs" / f"20200101-000000-{count:06x}"
        folder.mkdir()
        (folder / "run.json").touch()
    start = time.perf_counter()

    assert find("last") == kept[NEW]
    assert time.perf_counter() - start < 1
