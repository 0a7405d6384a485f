"""Scopes: which run a construction belongs to, and what a run says of itself."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import gc
import json
import os
import pickle
import subprocess
import sys
import threading
import time

import pytest

import begat
import begat.errors
from begat.record.values import Ref
from zoo_support.tracking import succeeds


@pytest.fixture
def net(track):
    class Net:
        def __init__(self, a, part=None):
            self.a, self.part = a, part

    return track(Net)


def seen(run) -> list[object]:
    return [node.params["a"] for node in run.nodes]


def test_a_scope_records_what_is_built_inside(net):
    """Before and after it, the run grows by nothing."""
    net(0)
    with begat.capture("baseline") as run:
        net(1)
        assert seen(run) == [1]
        assert run.header.outcome == "running"
        net(2)
    net(3)

    assert seen(run) == [1, 2]
    assert (run.name, run.header.outcome, run.header.error) == ("baseline", "finished", None)
    assert run.header.started <= run.header.ended


def test_a_scope_that_raises(net):
    """The exception goes through; the run says which it was and keeps its nodes."""
    with pytest.raises(KeyError) as caught, begat.capture() as run:  # noqa: PT012  # what else is in the block is the point
        net(1)
        raise KeyError("x")

    assert seen(run) == [1]
    assert (run.header.outcome, run.header.error) == ("raised", "builtins:KeyError")
    assert [entry.name for entry in caught.traceback] == ["test_a_scope_that_raises"]


@pytest.mark.parametrize("problem", [SystemExit, KeyboardInterrupt, GeneratorExit])
def test_a_scope_that_is_left_by_an_exit(net, problem, tmp_path):
    """Also sys.exit and an interrupt pass through unchanged, and the file is written."""
    with pytest.raises(problem), begat.capture(save=tmp_path / "run.json") as run:  # noqa: PT012  # as above
        net(1)
        raise problem

    assert run.header.outcome in ("raised", "finished")
    assert seen(begat.load(tmp_path / "run.json")) == [1]


def test_a_saved_scope_is_loaded_equal(net, tmp_path):
    """``save=`` writes the record at the end, also after an exception."""
    with begat.capture("saved", save=tmp_path / "a.json") as run:
        net(1, part=[net(2)])
    with contextlib.suppress(ValueError), begat.capture(save=str(tmp_path / "b.json")) as failed:
        net(3)
        raise ValueError

    assert begat.load(tmp_path / "a.json") == run
    assert begat.load(tmp_path / "b.json") == failed
    assert json.loads((tmp_path / "b.json").read_text())["run"]["outcome"] == "raised"


def test_as_a_decorator(net):
    """A decorated function keeps its name and result; each call is a run of its own."""

    @begat.capture("train")
    def train(a, *, b=2):
        """Train."""
        return net(a + b)

    assert train.__name__ == "train"
    assert train.__doc__ == "Train."
    assert train(1).a == 3
    assert train(2, b=3).a == 5
    with begat.capture() as outer:
        assert begat.provenance(train(5)).params["a"] == 7
    assert [seen(child) for child in outer.children] == [[7]]


def test_each_call_of_a_decorated_function_is_a_run(net, tmp_path):
    """Also when it calls itself, and from threads at once."""

    @begat.capture("inner", save=tmp_path / "last.json")
    def train(depth):
        net(depth)
        if depth:
            train(depth - 1)

    with begat.capture() as outer:
        train(2)

    assert outer.nodes == ()
    (first,) = outer.children
    (second,) = first.children
    (third,) = second.children
    assert [seen(run) for run in (first, second, third)] == [[2], [1], [0]]


def test_a_decorated_coroutine_function(net):
    """``async def`` is captured while it runs, across awaits, and stays a coroutine function."""

    @begat.capture("async")
    async def train(a):
        net(a)
        await asyncio.sleep(0)
        net(a + 1)
        return a

    async def main():
        with begat.capture() as outer:
            assert await train(1) == 1
            net(9)
        return outer

    assert asyncio.iscoroutinefunction(train)
    outer = asyncio.run(main())

    assert seen(outer) == [9]
    assert [seen(child) for child in outer.children] == [[1, 2]]


def test_as_an_asynchronous_block(net):
    """A scope inside a coroutine covers what follows its awaits."""

    async def main():
        with begat.capture() as run:
            net(1)
            await asyncio.sleep(0)
            net(2)
        return run

    assert seen(asyncio.run(main())) == [1, 2]


def test_nested_scopes(net):
    """Nodes belong to the innermost scope alone; the inner run is a child; references across runs name the run."""
    with begat.capture("outer") as outer:
        first = net(1)
        with begat.capture("inner") as inner:
            net(2, part=first)
            last = net(3)
        net(4, part=[last, first])

    assert seen(outer) == [1, 4]
    assert seen(inner) == [2, 3]
    assert outer.children == (inner,)
    assert inner.header.parent == outer.id
    assert inner.nodes[0].params["part"] == Ref(outer.nodes[0].id, outer.id)
    assert outer.nodes[1].params["part"] == [Ref(inner.nodes[1].id, inner.id), Ref(outer.nodes[0].id)]


def test_nested_scopes_in_one_file(net, tmp_path):
    """A saved run holds its children."""
    with begat.capture("outer", save=tmp_path / "run.json") as outer, begat.capture("inner"):
        net(1)

    loaded = begat.load(tmp_path / "run.json")

    assert loaded == outer
    assert [seen(child) for child in loaded.children] == [[1]]


def test_a_scope_opened_in_a_constructor(track):
    """A constructor that opens a scope for its parts closes it before it is finished; nothing is lost or doubled."""

    class Part:
        def __init__(self, a):
            self.a = a

    class Whole:
        def __init__(self, a):
            with begat.capture("parts") as self.run:
                Part(a)
            Part(a + 1)

    track(Part)
    track(Whole)
    with begat.capture() as run:
        whole = Whole(1)

    assert [(node.target.rpartition(".")[2], node.params["a"]) for node in run.nodes] == [("Whole", 1), ("Part", 2)]
    assert run.nodes[1].within == run.nodes[0].id
    assert seen(whole.run) == [1]
    assert run.nodes[0].outcome == "returned"


def test_constructions_that_outlive_their_scope(track):
    """A scope that ends inside a constructor leaves the node and takes none of what follows."""

    class Whole:
        def __init__(self, scope):
            scope.__exit__(None, None, None)
            self.part = Part(1)

    class Part:
        def __init__(self, a):
            pass

    track(Whole)
    track(Part)
    scope = begat.capture()
    run = scope.__enter__()
    Whole(scope)

    assert [node.target.rpartition(".")[2] for node in run.nodes] == ["Whole"]


def test_one_scope_object_used_again(net):
    """A scope may be entered again after it was left; each time is a run of its own."""
    scope = begat.capture("again")
    with scope as first:
        net(1)
    with scope as second:
        net(2)

    assert (seen(first), seen(second)) == ([1], [2])
    assert first.id != second.id


def test_nothing_is_recorded_while_paused(net):
    """paused() covers its block in this context, nests, and ends with an exception."""
    with begat.capture() as run:
        net(1)
        with begat.paused():
            net(2)
            with begat.paused():
                net(3)
            net(4)
            with begat.capture() as inner:
                net(5)
        with contextlib.suppress(ValueError), begat.paused():
            raise ValueError
        net(6)

    assert seen(run) == [1, 6]
    assert seen(inner) in ([5], [])


def test_paused_objects_are_known_to_have_no_node(net):
    """An object built while paused is described where it is passed, with the reason."""
    with begat.capture() as run:
        with begat.paused():
            part = net(1)
        net(2, part=part)

    value = run.nodes[0].params["part"]
    assert value.type.endswith("Net")
    assert value.facts["reason"]
    assert begat.provenance(part) is None


def test_outside_any_scope(tmp_path):
    """Without a scope the process-wide graph takes everything, and can be dumped at any time."""
    (tmp_path / "script.py").write_text(
        "import begat, sys\n"
        "@begat.trackable\n"
        "class Net:\n"
        "    def __init__(self, a, b=2): pass\n"
        "Net(1)\n"
        "begat.dump('one.json')\n"
        "with begat.capture() as run: Net(2)\n"
        "Net(3)\n"
        "begat.dump('two.json')\n"
        "one, two = begat.load('one.json'), begat.load('two.json')\n"
        "print([n.params['a'] for n in one.nodes], [n.params['a'] for n in two.nodes], [n.params['a'] for n in begat.graph().nodes])\n"
        "print(begat.graph().header.outcome, len(run.nodes))\n"
    )

    assert succeeds("script.py", cwd=tmp_path).splitlines() == ["[1] [1, 3] [1, 3]", "running 1"]


def test_a_dump_inside_a_scope(net, tmp_path):
    """dump writes the run of the innermost scope."""
    with begat.capture("x") as run:
        net(1)
        begat.dump(tmp_path / "now.json")
        net(2)

    assert seen(begat.load(tmp_path / "now.json")) == [1]
    assert seen(run) == [1, 2]


def test_a_run_is_data_when_it_is_looked_at(net):
    """Nodes looked at during a run do not change afterwards."""
    with begat.capture() as run:
        net([1])
        early = run.nodes
        net([2])

    assert len(early) == 1
    assert run.nodes[0] == early[0]
    assert len(run.nodes) == 2


def test_edges_are_references(net):
    """Tracked objects, alone or in containers, are Refs; upstream and downstream follow them."""
    with begat.capture() as run:
        a, b = net(1), net(2)
        c = net([a, {"b": b}, (a,)], part=b)

    one, two, three = run.nodes
    assert three.params["a"] == [Ref(one.id), {"b": Ref(two.id)}, (Ref(one.id),)]
    assert three.params["part"] == Ref(two.id)
    assert run.upstream(three) == (one, two)
    assert run.downstream(one) == (three,)
    assert begat.provenance(c) == three


def test_an_object_that_contains_itself_while_it_is_built(track):
    """A constructor that passes its own object on makes an edge to the node being built."""

    class Part:
        def __init__(self, owner):
            self.owner = owner

    class Whole:
        def __init__(self):
            self.part = Part(self)

    track(Part)
    track(Whole)
    with begat.capture() as run:
        Whole()

    whole, part = run.nodes
    assert part.params == {"owner": Ref(whole.id)}
    assert part.within == whole.id


def test_threads_of_a_scope(net):
    """A thread started inside a scope records into it, also after the scope has ended in the parent's code."""
    with begat.capture() as run:
        threads = [threading.Thread(target=net, args=(i,)) for i in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert sorted(seen(run)) == [0, 1, 2, 3, 4]
    assert all(node.within is None for node in run.nodes)


def test_a_thread_that_was_there_before(net):
    """A thread started outside a scope does not record into it."""
    go, done = threading.Event(), threading.Event()

    def work():
        go.wait()
        net(1)
        done.set()

    thread = threading.Thread(target=work)
    thread.start()
    with begat.capture() as run:
        go.set()
        done.wait()
        net(2)
    thread.join()

    assert seen(run) == [2]


def test_a_thread_with_its_own_scope(net):
    """A scope opened in a thread is that thread's alone."""
    barrier = threading.Barrier(3)
    runs = []

    def work(i):
        with begat.capture(str(i)) as run:
            barrier.wait()
            for k in range(20):
                net((i, k))
            barrier.wait()
        runs.append((i, run))

    with begat.capture() as outer:
        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        net("outer")

    assert seen(outer) == ["outer"]
    for i, run in runs:
        assert seen(run) == [(i, k) for k in range(20)]
    assert len(outer.children) == 3


def test_the_scope_of_a_generator(net):
    """A generator suspended inside its scope does not leak it to its caller; closing it elsewhere is harmless."""

    def steps():
        with begat.capture("generator") as run:
            net("in")
            yield run
            net("after")

    with begat.capture() as outer:
        generator = steps()
        inner = next(generator)
        net("out")
        generator.close()
        net("late")

        abandoned = steps()
        next(abandoned)
        del abandoned
        gc.collect()
        net("end")

    assert "in" in seen(inner)
    assert seen(outer)[-2:] == ["late", "end"]
    assert outer.header.outcome == "finished"


def test_a_generator_closed_by_another_thread(net):
    """Closing a suspended scope from another thread raises nothing and leaves both threads recording."""

    def steps():
        with begat.capture("generator") as run:
            net("in")
            yield run

    problems = []
    with begat.capture() as outer:
        generator = steps()
        next(generator)

        def close():
            try:
                generator.close()
                net("thread")
            except BaseException as problem:
                problems.append(problem)

        thread = threading.Thread(target=close)
        thread.start()
        thread.join()

    assert problems == []
    assert outer.header.outcome == "finished"


def test_params_and_provenance(net):
    """begat.params gives every argument of an object, defaults included; strangers have none."""
    with begat.capture() as run:
        made = net(1)
        assert begat.params(made) == {"a": 1, "part": None}
        assert begat.provenance(made).params == {"a": 1, "part": None}

    assert begat.provenance(object()) is None
    assert begat.provenance(3) is None
    assert begat.provenance(None) is None
    assert begat.provenance(made) == run.nodes[0]


def test_results_are_kept(net, tmp_path):
    """run.result(...) adds to the record, during the scope and after it."""
    with begat.capture(save=tmp_path / "run.json") as run:
        net(1)
        run.result(loss=0.5, steps=[1, 2])
    run.result(late=True)

    assert run.header.result == {"loss": 0.5, "steps": [1, 2], "late": True}
    assert begat.load(tmp_path / "run.json").header.result == run.header.result


@pytest.mark.parametrize("problem", [ZeroDivisionError, SystemExit, KeyboardInterrupt])
def test_a_failing_save_does_not_hide_the_users_exception(net, tmp_path, problem):
    """Where the file cannot be written there is a warning, and the program's own exception is as it was."""
    gone = tmp_path / "folder"
    raised = problem()

    with (  # noqa: PT012, PT031  # as above
        pytest.warns(begat.errors.CaptureWarning, match=r"writing .*run\.json") as warned,
        pytest.raises(problem) as caught,
        begat.capture(save=gone / "run.json") as run,
    ):
        net(1)
        gone.rmdir()
        gone.write_text("in the way")
        raise raised

    assert caught.value is raised
    assert not hasattr(raised, "__notes__")
    assert warned[0].filename == __file__
    assert len(warned) == 1
    assert "NotADirectoryError while writing" in run.header.marks[0]


def test_the_file_is_the_one_that_was_meant_at_entry(net, tmp_path, monkeypatch):
    """Programs change their folder in between."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)

    with begat.capture(save="run.json"):
        os.chdir("elsewhere")
        net(1)

    assert (tmp_path / "run.json").is_file()
    assert os.listdir() == []


def test_an_object_is_known_as_long_as_it_lives(net):
    """Its run is kept, whatever becomes of the variable that held the run and however many come later."""
    kept = []
    for a in range(5):
        with begat.capture() as run:
            kept.append(net(a))
    with begat.capture("trial") as run:
        net(5)
    del run
    gc.collect()

    assert [begat.params(obj)["a"] for obj in kept] == [0, 1, 2, 3, 4]
    assert begat.provenance(kept[0]).path


def test_a_run_is_let_go_with_its_last_object(net):
    """What nobody can ask for any more is not kept, but for the last run."""
    from begat.capture.living import recorders

    before = len(recorders())
    for a in range(20):
        with begat.capture():
            net(a)
    gc.collect()

    assert len(recorders()) <= before + 1


def test_arguments_that_other_runs_built(net):
    """An edge leads to the run that saw the object last, whether that goes on or is over; what is gone leads nowhere."""
    with begat.capture() as outer:
        mine, kept = net(0), [net(10 + i) for i in range(3)]
        with begat.capture() as first:
            early, again, shared = net(1), net(2), net(3)
        with begat.capture() as second:
            again.__init__(5)
            mine.__init__(6)
        del early
        with begat.capture() as third:
            net(7, [mine, kept[1], again, shared, net(8)])
    with begat.capture() as last:
        net(9, [mine, kept[2], shared])

    assert third.nodes[1].params["part"] == [
        Ref(1, second.id), Ref(2, outer.id), Ref(0, second.id), Ref(2, first.id), Ref(0),
    ]  # fmt: skip
    assert last.nodes[0].params["part"] == [Ref(1, second.id), Ref(3, outer.id), Ref(2, first.id)]


def test_scopes_that_stay_cost_later_ones_nothing(net):
    """A program that keeps an object of each of very many runs opens and closes the next as quickly as the first."""
    kept, seconds = [], []
    for i in range(400):
        begin = time.process_time()
        with begat.capture():
            kept.append([net(j, kept[j % i] if i else None) for j in range(100)][-1])
        seconds.append(time.process_time() - begin)

    assert min(seconds[-20:]) < 3 * min(seconds[:20])


def test_no_record_says_why(net):
    """The text of the error depends on whether the class is tracked."""
    with pytest.raises(LookupError, match=r"its class is not tracked; begat\.trackable"):
        begat.params(threading.Thread())
    with begat.paused():
        obj = net(1)
    with pytest.raises(LookupError, match=r"its class is tracked, but .* begat\.paused"):
        begat.params(obj)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda run: pickle.loads(pickle.dumps(run))])  # noqa: S301  # our own
def test_a_run_goes_to_another_process_as_its_record(net, copied):
    """Pickles and copies of a run that has ended, or still grows, are plain runs that say the same."""
    with begat.capture("growing") as run:
        net(1, net(2))
        grown = copied(run)
        assert (grown.header.outcome, seen(grown)) == ("running", seen(run))
        net(3)
    ended = copied(run)

    assert ended == run
    assert type(ended) is begat.Run
    assert copied(ended) == run


@pytest.mark.parametrize("name", ["folder", "file/run.json"])
def test_a_file_that_cannot_be_written_is_known_at_entry(net, tmp_path, name, monkeypatch):
    """Before the work, not after it: one warning, or an error where those are asked for, which leaves no scope open."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")

    monkeypatch.setenv("BEGAT_STRICT", "0")
    with pytest.warns(begat.errors.CaptureWarning, match=name) as warned, begat.capture(save=tmp_path / name) as run:  # noqa: PT031
        assert len(warned) == 1
        net(1)
    assert (len(warned), warned[0].filename, len(run.nodes)) == (1, __file__, 1)

    monkeypatch.setenv("BEGAT_STRICT", "1")
    with pytest.raises(OSError, match=name), begat.capture(save=tmp_path / name):
        raise AssertionError

    count = len(begat.graph())
    net(1)
    assert len(begat.graph()) == count + 1


def test_a_result_that_comes_late_is_written_too(net, tmp_path):
    """After the scope the file of *save* is written again, and it can be written elsewhere at any time."""
    with begat.capture(save=tmp_path / "run.json") as run:
        model = net(1)
    run.result(loss=0.5, model=model, models=[model])

    result = begat.load(tmp_path / "run.json").header.result
    assert result == {"loss": 0.5, "model": Ref(0), "models": [Ref(0)]}


def test_a_result_of_another_run_says_so(net):
    """A tracked object is a reference also where another run built it."""
    with begat.capture() as first:
        model = net(1)
    with begat.capture() as second:
        second.result(model=model)

    assert second.header.result == {"model": Ref(0, first.id)}


@pytest.mark.parametrize(
    ("last", "outcome"),
    [("pass", ("finished", None)), ("1 / 0", ("raised", "builtins:ZeroDivisionError"))],
)
def test_a_dump_at_exit_says_that_the_program_has_ended(tmp_path, last, outcome):
    """How, and when; what handlers that were registered earlier build is not lost to the program."""
    text = f"import begat\nbegat.dump('run.json', at_exit=True)\n{last}\n"
    source = os.path.dirname(os.path.dirname(begat.__file__))
    subprocess.run(
        [sys.executable, "-c", text], cwd=tmp_path, env={**os.environ, "PYTHONPATH": source}, capture_output=True
    )

    header = begat.load(tmp_path / "run.json").header
    assert (header.outcome, header.error) == outcome
    assert header.ended is not None


def test_the_versions_of_what_is_imported_are_kept():
    """Also of packages of which nothing was built; what is imported after the run does not get into it."""
    with begat.capture() as run:
        pass
    before = run.environment.packages
    sys.modules["late"] = type(sys)("late")
    sys.modules["late"].__file__ = "/site-packages/late.py"
    sys.modules["late"].__version__ = "1"
    try:
        assert run.environment.packages == before
    finally:
        del sys.modules["late"]

    assert before["pytest"] == pytest.__version__


def test_who_an_object_is_while_others_come_and_go(net):
    """Addresses of what died are taken by others; what was asked for before, and what is constructed again, keeps its node."""
    with begat.capture() as run:
        number_of, kept = run.recorder.number_of_object, []
        for turn in range(60):
            passing = [net(number) for number in range(300)]
            kept.append(passing[turn])
            assert number_of(passing[-1]) == 300 * turn + 299
            del passing
        kept[7].__init__("again")

        assert [number_of(each) for each in kept] == [300 * turn + turn for turn in range(60)]
        assert begat.provenance(kept[7]) == run.nodes[7 * 300 + 7]
