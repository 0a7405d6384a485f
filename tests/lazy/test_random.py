"""Random numbers and arguments that change: what is built late is what would have been built at once."""

from __future__ import annotations

import collections
import copy
import pickle
import random
import threading
import time
from typing import Any

import pytest

import begat

ORDERS = [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1), (1,)]


class Draws:
    """Draws from Python's generator, and from numpy's and torch's where they are installed."""

    def __init__(self, n: int) -> None:
        self.drawn = [draw(n) for draw in drawers()]


def drawers() -> list[Any]:
    found: list[Any] = [lambda n: [random.random() for _ in range(n)]]
    try:
        import numpy as np

        found.append(lambda n: np.random.rand(n).tolist())  # noqa: NPY002  # the global generator is the point
    except ImportError:
        pass
    return found


def seed(number: int) -> None:
    random.seed(number)
    try:
        import numpy as np

        np.random.seed(number)  # noqa: NPY002
    except ImportError:
        pass


def after() -> list[Any]:
    """What is drawn next."""
    return [draw(2) for draw in drawers()]


@pytest.mark.parametrize("order", ORDERS)
def test_order_is_bit_identical_to_eager(order):
    """Whatever is touched first, each draws what it would have drawn; and so does everything after."""
    seed(7)
    eager = [Draws(i + 1) for i in range(4)]
    expected = after()

    seed(7)
    with begat.deferred(Draws, rng="order"):
        late = [Draws(i + 1) for i in range(4)]
    for at in order:
        assert late[at].drawn == eager[at].drawn
    for at in range(4):
        assert late[at].drawn == eager[at].drawn
    assert after() == expected


def test_order_builds_what_is_gone_in_its_turn():
    """Built at once it would have drawn as well."""
    seed(7)
    with begat.deferred(Draws, rng="order"):
        late = [Draws(2) for _ in range(3)]
    first = late[0].drawn
    del late[1]
    third = late[1].drawn

    seed(7)
    assert [Draws(2).drawn, Draws(2).drawn, Draws(2).drawn][::2] == [first, third]


def test_order_holds_for_what_functions_make():
    """A proxy has its turn."""

    def make(n):
        return Draws(n)

    begat.trackable(Draws)
    seed(7)
    with begat.deferred(make, Draws, rng="order"):
        one, two, three = make(1), Draws(2), make(3)
    drawn = three.drawn, two.drawn, one.drawn
    seed(7)
    assert drawn == tuple(Draws(n).drawn for n in (1, 2, 3))[::-1]


class Nest:
    """Makes another one, which waits by the same block, and draws after that."""

    def __init__(self):
        self.part = Draws(1)
        self.number = random.random()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_is_made_inside_another_draws_in_its_place(order):
    """Touched within the block, too."""
    seed(7)
    expected = [(each.part.drawn, each.number) for each in (Nest(), Nest())]
    seed(7)
    with begat.deferred(Nest, Draws, rng="order"):
        late = [Nest(), Nest()]
        for at in order:
            _ = late[at].number
        found = [(each.part.drawn, each.number) for each in late]
    assert found == expected

    def keyed(order):
        seed(7)
        with begat.deferred(Nest, Draws, rng="keyed"):
            late = [Nest(), Nest()]
            for at in order:
                _ = late[at].number
            return [(each.part.drawn, each.number) for each in late]

    assert keyed(order) == keyed((0, 1))


def test_order_beside_threads():
    """Who comes later waits for those before, whoever builds them."""

    class Slow:
        def __init__(self):
            time.sleep(0.01)
            self.drawn = random.random()

    for _ in range(5):
        random.seed(7)
        expected = [random.random() for _ in range(4)]
        random.seed(7)
        with begat.deferred(Slow, rng="order"):
            late = [Slow() for _ in range(4)]
        threads = [threading.Thread(target=begat.materialize, args=(each,)) for each in late[::-1]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert [each.drawn for each in late] == expected


def test_keyed_follows_the_seed_of_the_run():
    """Another seed, other numbers; another block, other numbers; the same seed, the same."""

    def drawn(number):
        seed(number)
        found = []
        for _ in range(2):
            with begat.deferred(Draws, rng="keyed"):
                late = Draws(2)
            found.append(late.drawn)
        return found

    one, two = drawn(1)
    assert one != two
    assert drawn(2)[0] not in (one, two)
    assert drawn(1) == [one, two]


COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda obj: pickle.loads(pickle.dumps(obj))}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("policy", ["order", "keyed"])
def test_a_copy_has_the_numbers_of_its_original(policy, duplicate):
    """As one of an object that was built at once; whichever is touched first."""
    for first in (0, 1):
        seed(7)
        with begat.deferred(Draws, rng=policy):
            before, original = Draws(1), Draws(2)
        pair = [original, duplicate(original)]
        assert pair[first].drawn == pair[1 - first].drawn
        assert pair[1] is not original
        if policy == "order":
            seed(7)
            assert [before.drawn, original.drawn] == [Draws(1).drawn, Draws(2).drawn]


def test_order_holds_for_nested_constructions():
    """A part that waits inside a whole that waits draws in its turn."""

    class Whole:
        def __init__(self, part):
            self.first = random.random()
            self.part = part
            self.second = random.random()

    def build(defer):
        random.seed(3)
        with begat.deferred(Draws, Whole, rng="order") if defer else begat.paused():
            a = Draws(1)
            b = Whole(Draws(2))
            c = Draws(1)
        drawn = [c.drawn[0], b.second, b.part.drawn[0], a.drawn[0], b.first]
        return drawn, random.random()

    assert build(True) == build(False)


def test_order_with_a_constructor_that_fails():
    """The failure comes out where it is in turn, and the next touch goes on."""

    class Fails:
        def __init__(self, box):
            self.drawn = random.random()
            if box[0]:
                raise OSError

    class Switch:
        on = True

        def __getitem__(self, at):
            return self.on

    switch = Switch()
    with begat.deferred(Fails, Draws, rng="order"):
        bad, good = Fails(switch), Draws(1)
    with pytest.raises(OSError):
        _ = good.drawn
    switch.on = False
    assert len(good.drawn[0]) == 1
    assert bad.drawn


@pytest.mark.parametrize("order", ORDERS)
def test_keyed_does_not_depend_on_the_order_of_touches(order):
    """Each has seeds of its own, equal in every run, different between calls; the generators stay as they were."""

    def drawn(order):
        seed(5)
        with begat.deferred(Draws, rng="keyed"):
            late = [Draws(2) for _ in range(4)]
        random.random()
        before = random.getstate()
        for at in order:
            _ = late[at].drawn
        assert random.getstate() == before
        return [each.drawn for each in late]

    values = drawn(order)
    assert values == drawn(range(4))
    assert len({str(value) for value in values}) == 4


def test_keyed_puts_generators_back_after_a_failure():
    """Also numpy's."""

    class Fails:
        def __init__(self):
            after()
            raise OSError

    with begat.deferred(Fails, rng="keyed"):
        made = Fails()
    seed(1)
    expected = after()
    seed(1)
    with pytest.raises(OSError):
        _ = made.x
    assert after() == expected


def test_without_a_policy_numbers_are_drawn_at_the_touch():
    """As the name says: nothing is built that is not touched."""
    with begat.deferred(Draws):
        late = [Draws(1) for _ in range(2)]
    seed(7)
    _ = late[1].drawn
    assert begat.is_lazy(late[0])
    seed(7)
    assert late[1].drawn == Draws(1).drawn


@pytest.mark.heavy
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
@pytest.mark.parametrize("policy", ["order", "keyed"])
def test_torch(order, policy):
    """Weights of layers, drawn by torch."""
    torch = pytest.importorskip("torch")
    from torch import nn

    def weights(defer, order):
        torch.manual_seed(11)
        with begat.deferred(nn.Linear, rng=policy) if defer else begat.paused():
            layers = [nn.Linear(4, 4), nn.Linear(4, 2), nn.Linear(2, 1)]
        before = torch.random.get_rng_state()
        for at in order:
            _ = layers[at].weight
        touched = not torch.equal(torch.random.get_rng_state(), before)
        return [each.detach().clone() for layer in layers for each in layer.parameters()], torch.rand(3), touched

    late, rest, touched = weights(True, order)
    again, rest_again, _ = weights(True, (1, 2, 0))
    assert all(map(torch.equal, late, again))
    assert torch.equal(rest, rest_again)
    if policy == "order":
        eager, expected, _ = weights(False, order)
        assert all(map(torch.equal, late, eager))
        assert torch.equal(rest, expected)
    else:
        assert not touched


class Keeps:
    def __init__(self, values, *more, named=None, **others):
        self.values, self.more, self.named, self.others = values, more, named, others


CHANGES = {
    "append": ([1], lambda x: x.append(2), [1]),
    "nested": ([[1]], lambda x: x[0].append(2), [[1]]),
    "dict": ({"a": 1}, lambda x: x.update(b=2), {"a": 1}),
    "dict value": ({"a": [1]}, lambda x: x["a"].clear(), {"a": [1]}),
    "set": ({1}, lambda x: x.add(2), {1}),
    "bytearray": (bytearray(b"a"), lambda x: x.extend(b"b"), bytearray(b"a")),
    "order": ({"a": 1, "b": 2}, lambda x: x.update(a=x.pop("a")), {"a": 1, "b": 2}),
    "in a tuple": (([1],), lambda x: x[0].append(2), ([1],)),
}


@pytest.mark.parametrize(("value", "change", "expected"), CHANGES.values(), ids=CHANGES)
def test_arguments_are_those_of_the_call_and_the_change_is_reported(value, change, expected):
    """Positional, by keyword, in ``*args`` and ``**kwargs``."""
    calls = {
        "values": lambda x: (Keeps(x), lambda made: made.values),
        "named": lambda x: (Keeps(1, named=x), lambda made: made.named),
        "more": lambda x: (Keeps(1, x), lambda made: made.more[0]),
        "others": lambda x: (Keeps(1, extra=x), lambda made: made.others["extra"]),
    }
    for name, call in calls.items():
        given = copy.deepcopy(value)
        with begat.capture() as run:
            with begat.deferred(Keeps):
                made, read = call(given)
            change(given)
            found = read(made)
        assert found == expected
        assert list(found) == list(expected)
        reports = [mark for mark in run.header.marks if "changed before it was built" in mark]
        assert len(reports) == 1, run.header.marks
        assert repr(name) in reports[0]
        assert "Keeps" in reports[0]


def test_what_is_one_object_in_the_arguments_stays_one():
    """Between arguments, inside them, through tuples, and in a ring; also where only some of it has changed."""
    shared, other = [1], [2]
    first, second = [shared, (shared, other)], {"a": shared, "b": other}
    first.append(first)
    with begat.deferred(Keeps):
        made = Keeps(first, second, named=other)
    shared.append(3)
    values, (table,), named = made.values, made.more, made.named
    assert (values[0], values[1][0], values[2]) == ([1], [1], values)
    assert values[0] is values[1][0]
    assert values[0] is table["a"]
    assert named is other
    assert table["b"] is other
    assert values[1][1] is other
    assert shared == [1, 3]


def test_a_constructor_that_fails_and_spoils_its_argument_gets_the_call_s_again():
    """Each attempt begins with what was passed, once that has changed."""

    class Spoils:
        def __init__(self, values):
            values.append(0)
            if fail:
                raise OSError
            self.values = values

    given, fail = [1], True
    with begat.deferred(Spoils):
        made = Spoils(given)
    given.clear()
    with pytest.raises(OSError):
        _ = made.values
    fail = False
    assert made.values == [1, 0]


def test_a_list_as_deep_as_can_be():
    """There is no recursion in what is kept."""
    deep = inner = []
    for _ in range(50_000):
        inner.append([])
        inner = inner[0]
    with begat.deferred(Keeps):
        made = Keeps(deep)
    inner.append(1)
    found, depth = made.values, 0
    while found:
        found, depth = found[0], depth + 1
    assert depth == 50_000


def test_containers_that_another_thread_goes_on_changing():
    """They are copied in one step."""
    table, items, stop = {}, [], threading.Event()

    def change():
        at = 0
        while not stop.is_set():
            at += 1
            table[at % 1000] = [at]
            table.pop((at * 7) % 1000, None)
            items.append([at])
            if len(items) > 1000:
                items.clear()

    thread = threading.Thread(target=change)
    thread.start()
    try:
        with begat.capture() as run, begat.deferred(Keeps):
            for _ in range(300):
                made = Keeps(table, items)
                assert type(made.values) is dict
    finally:
        stop.set()
        thread.join()
    assert all("changed before" in mark or "items are kept" in mark for mark in run.header.marks), run.header.marks


def test_unchanged_arguments_are_the_very_objects():
    """No copy is handed on where nothing changed, and nothing is reported."""
    values, table = [1, [2]], {"a": [1]}
    with begat.capture() as run, begat.deferred(Keeps):
        made = Keeps(values, named=table)
    assert made.values is values
    assert made.named is table
    assert run.header.marks == ()


def test_other_objects_are_the_very_objects():
    """Only containers of the language are followed: an object of a class is what it is when it is built."""

    class Config:
        n = 1

    config, queue = Config(), collections.deque([1])
    with begat.deferred(Keeps):
        made = Keeps(config, named=queue)
    config.n = 2
    assert made.values is config
    assert made.values.n == 2
    assert made.named is queue
