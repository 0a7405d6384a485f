"""What default factories made: nested configurations, as people write them."""

from __future__ import annotations

from dataclasses import dataclass, field

import attrs
import pydantic
import pytest

import begat
from begat.record.model import Argument
from begat.record.values import Made, Redacted, Ref


@dataclass
class Optim:
    lr: float = 1e-3


class Sched:
    def __init__(self, step=1):
        self.step = step


def build():
    return Optim(7)


@dataclass
class Config:
    first: Optim = field(default_factory=Optim)
    sched: Sched = field(default_factory=Sched)
    second: Optim = field(default_factory=Optim)
    third: Optim = field(default_factory=lambda: Optim(lr=5.0))
    several: list[Optim] = field(default_factory=lambda: [Optim(1), Optim(2)])
    built: Optim = field(default_factory=build)
    tags: list[str] = field(default_factory=list)


@attrs.define
class Attrs:
    first: Optim = attrs.Factory(Optim)
    second: Optim = attrs.field(factory=Optim)
    third: Optim = attrs.field(factory=lambda: Optim(lr=5.0))


class Pydantic(pydantic.BaseModel):
    first: Optim = pydantic.Field(default_factory=Optim)
    second: Optim = pydantic.Field(default_factory=Optim)
    third: Optim = pydantic.Field(default_factory=lambda: Optim(lr=5.0))


class Model:
    def __init__(self, config, optim):
        self.config, self.optim = config, optim


@pytest.fixture(autouse=True)
def tracked(track):
    for cls in (Optim, Sched, Config, Attrs, Pydantic, Model):
        track(cls)


@pytest.mark.parametrize("kind", [Config, Attrs, Pydantic])
def test_a_field_that_was_left_to_a_factory_is_an_edge(kind):
    """The object goes by its field, stands where the configuration stands, and is no one else's."""
    with begat.capture() as run:
        cfg = kind()
        model = Model(cfg, cfg.first)

    assert model
    for name, lr in (("first", 1e-3), ("second", 1e-3), ("third", 5.0)):
        node = run[f"cfg.{name}"]
        assert run["cfg"].arguments[name].value == Ref(node.id)
        assert run["cfg"].arguments[name].source == "default"
        assert node.params == {"lr": lr}
        assert node.user
    assert run["cfg.first"].site == run["cfg"].site
    assert begat.params(cfg) == run["cfg"].params
    assert run["model"].params["optim"] == Ref(run["cfg.first"].id)
    assert run.flat()["cfg.first.lr"] == 1e-3
    assert run["cfg.third"] in run.upstream("cfg")


def test_what_is_not_sure_is_not_said():
    """A function may build more than it returns, and a list is not its items: these stay factories."""
    with begat.capture() as run:
        cfg = Config(first=Optim(9))

    assert cfg
    assert {name for name, value in run["cfg"].params.items() if type(value) is Made} == {"several", "built", "tags"}
    assert run["cfg.first"].params == {"lr": 9}
    assert [run[f"cfg.several.{i}"].params["lr"] for i in range(2)] == [1, 2]
    assert run["cfg.Optim"].params["lr"] == 7
    assert run.config()["cfg"]["tags"] == []


def test_a_factory_that_raises_made_nothing(track):
    """With one field of two filled, nobody knows which: both stay factories."""

    @dataclass
    class Broken:
        first: Optim = field(default_factory=Optim)
        second: Optim = field(default_factory=lambda: 1 / 0)  # type: ignore[assignment, return-value]
        third: Optim = field(default_factory=Optim)

    track(Broken)
    with begat.capture() as run, pytest.raises(ZeroDivisionError):
        Broken()

    assert run.nodes[0].outcome == "raised"
    assert type(run.nodes[0].params["first"]) is Made


@dataclass
class Written:
    seeds: list[int] = field(default_factory=lambda: [1, -2])
    splits: dict[str, float] = field(
        default_factory=lambda: {
            "train": 0.8,  # é
            "password": "x",
        }
    )
    one: int = field(default_factory=lambda: 1)
    many: list[int] = field(default_factory=lambda: [len("a")])


@attrs.define
class WrittenAttrs:
    seeds: list[int] = attrs.Factory(lambda: [1, -2])


class WrittenPydantic(pydantic.BaseModel):
    seeds: list[int] = pydantic.Field(default_factory=lambda: [1, -2])


def test_what_a_lambda_writes_out_is_the_default(track):
    """Nobody has to call it to know."""
    for cls in (Written, WrittenAttrs, WrittenPydantic):
        track(cls)
    with begat.capture() as run:
        cfg, other, third = Written(), WrittenAttrs(), WrittenPydantic()

    assert cfg and other and third
    for path in ("cfg", "other", "third"):
        assert run[path].arguments["seeds"] == Argument("seeds", [1, -2], "default")
    assert run["cfg"].params["splits"] == {"train": 0.8, "password": Redacted("str", "name")}
    assert run["cfg"].params["one"] == 1
    assert type(run["cfg"].params["many"]) is Made
    assert begat.rebuild(run, "cfg", allow=[Written]) == cfg


def test_what_stands_in_the_place_of_the_lambda_now_is_not_believed(track, tmp_path):
    """A file that was edited while the program runs says nothing of the code that runs."""
    file = tmp_path / "edited.py"
    text = "from dataclasses import dataclass, field\n@dataclass\nclass C:\n    a: list = field(default_factory=lambda: [1])\n"
    file.write_text(text)
    space = {"__name__": __name__}
    exec(compile(text, str(file), "exec"), space)
    track(space["C"])
    file.write_text(text.replace("[1]", "[2]"))
    with begat.capture() as run:
        c = space["C"]()

    assert c.a == [1]
    assert type(run["c"].params["a"]) is Made
