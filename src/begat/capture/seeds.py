"""Seeds: what was passed to the usual seeding functions, noted in the run while a scope is open or a script runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from begat.intercept.constants import LISTENING, NOT_GIVEN
from begat.intercept.importing import Attached
from begat.intercept.interceptor import LANE, arrive, ident, trouble
from begat.intercept.woven import enter_first
from begat.introspect.describe import snapshot
from begat.introspect.secrets import redacted


def watch() -> None:
    """Note seeds from now on, in the modules that are loaded and in those that will be."""
    LISTENING.add("seeds")
    _SEEDING.watch()


def unwatch() -> None:
    """Put everything back as it was, when the last who asked is done."""
    _SEEDING.unwatch()
    if not _SEEDING.users:
        LISTENING.discard("seeds")


def _note(name: str, seed: object) -> None:
    try:
        lane = LANE.get()
        if lane is not None and lane.thread != ident():
            lane = arrive(lane)
        if lane is not None and lane.sink is not None:
            lane.sink.seeded(name, redacted(name, snapshot(seed, lambda _: None)))
    except Exception as error:
        trouble(error, "noting a seed")


def _random(module: Any) -> Callable[[], None] | None:
    hidden = module._inst

    def enter(me: object, seed: object = None, *_: object) -> None:
        if me is hidden:
            _note("random.seed", seed if seed is not NOT_GIVEN else None)

    return enter_first(module.Random.seed, enter)


def _torch(module: Any) -> Callable[[], None] | None:
    return enter_first(module.manual_seed, lambda seed, *_: _note("torch.manual_seed", seed))


def _numpy(module: Any) -> Callable[[], None]:
    plain = module.seed  # C code: nothing to weave

    @wraps(plain)
    def seed(*args: Any, **kwargs: Any) -> Any:
        _note("numpy.random.seed", args[0] if args else kwargs.get("seed"))
        return plain(*args, **kwargs)

    module.seed = seed

    def undo() -> None:
        if module.seed is seed:
            module.seed = plain

    return undo


_SEEDING = Attached({"random": _random, "numpy.random": _numpy, "torch.random": _torch})
