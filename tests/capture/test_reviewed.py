"""What reviewers tripped over: defaults that are objects, objects that cannot be referred to weakly, constructors in two steps."""

from __future__ import annotations

from typing import Any

import begat
from begat.record.values import Ref, Symbol


def test_a_default_that_is_an_object_is_the_object() -> None:
    @begat.trackable
    class Act:
        def __init__(self, slope: float = 0.1) -> None:
            self.slope = slope

    with begat.capture() as run:
        shared = Act(0.2)

        @begat.trackable
        class Net:
            def __init__(self, width: int, act: Act = shared, more: tuple[Act, ...] = (shared,)) -> None:
                self.act = act

        first, second = Net(1), Net(2)

    assert first.act is second.act
    act, *nets = run.nodes
    for net in nets:
        assert net.arguments["act"].source == "default"
        assert net.params["act"] == Ref(act.id)
        assert net.params["more"] == (Ref(act.id),)
    assert run.upstream(nets[0]) == (act,)


def test_objects_without_weak_references_are_let_go_as_they_are_without_us() -> None:
    gone: list[str] = []

    class Token:
        def __init__(self, name: str) -> None:
            self.name = name

        def __del__(self) -> None:
            gone.append(self.name)

    @begat.trackable
    class Final:
        __slots__ = ("name",)

        def __init__(self, name: str) -> None:
            self.name = name

        def __del__(self) -> None:
            gone.append(self.name)

    @begat.trackable
    class Holder:
        __slots__ = ("held",)

        def __init__(self, held: Any) -> None:
            self.held = held

    with begat.capture() as run:
        Final("one")
        assert gone == ["one"]
        two = Final("two")
        del two
        assert gone == ["one", "two"]
        for name in "abc":
            Holder(Token(name))
        Holder(None)
        assert gone == ["one", "two", "a", "b", "c"], "an object waits for the next construction, and no longer"
    assert len(run.nodes) == 6


def test_a_finalizer_runs_when_the_constructor_raises() -> None:
    gone: list[int] = []

    @begat.trackable
    class Final:
        __slots__ = ()

        def __init__(self) -> None:
            raise ValueError

        def __del__(self) -> None:
            gone.append(1)

    with begat.capture() as run:
        try:
            Final()
        except ValueError as error:
            error.__traceback__ = None
        assert gone == [1]
    assert run.nodes[0].outcome == "raised"


def test_new_that_goes_on_to_another_init_is_one_node() -> None:
    @begat.trackable
    class Strategy:
        def __new__(cls, kind: str, **rest: Any) -> Any:
            return super().__new__(Slow) if cls is Strategy else super().__new__(cls)

    @begat.trackable
    class Slow(Strategy):
        def __init__(self, kind: str, level: int = 1) -> None:
            self.level = level

    with begat.capture() as run:
        slow = Strategy("slow", level=4)
        assert begat.provenance(slow) == run.nodes[0]
    (node,) = run.nodes
    assert node.params["kind"] == "slow"
    assert run.events == ()


def test_a_class_not_tracked_itself_is_called_where_it_is_called() -> None:
    @begat.trackable
    class Base:
        def __init__(self, width: int) -> None:
            self.width = width

    class Between(Base):
        def __init__(self, width: int) -> None:
            super().__init__(width + 1)

    class Sub(Between):
        def __init__(self, depth: int) -> None:
            super().__init__(depth * 2)

    with begat.capture() as run:
        model = Sub(8)
    (node,) = run.nodes
    assert model.width == node.params["width"] + 0 == 17
    assert node.path == "model"
    assert node.site.function.endswith("test_a_class_not_tracked_itself_is_called_where_it_is_called")


def test_what_has_a_name_is_no_result(track):
    """A builtin that a tracked function once returned is still known by its name, in that run and in others."""

    def pick():
        return len

    class Net:
        def __init__(self, callback):
            pass

    track(pick)
    track(Net)
    with begat.capture():
        pick()
    with begat.capture() as run:
        Net(len)

    assert run.nodes[0].params["callback"] == Symbol("builtins:len", "function")
