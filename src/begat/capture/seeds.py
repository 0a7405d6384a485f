"""Seeds: what was passed to the usual seeding functions, noted in the run while a scope is open or a script runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from types import FunctionType
from typing import Any

from begat.intercept.constants import LISTENING, NOT_GIVEN
from begat.intercept.importing import FINDER
from begat.intercept.interceptor import LANE, arrive, ident, trouble
from begat.intercept.woven import WOVEN, Woven
from begat.introspect.describe import snapshot

_users = 0
_undo: dict[str, Callable[[], None]] = {}


def watch() -> None:
    """Note seeds from now on, in the modules that are loaded and in those that will be."""
    global _users
    _users += 1
    if _users == 1:
        LISTENING.add("seeds")
        for module in _SEEDING:
            _arrived(module)
            FINDER.tell(module, _arrived)


def unwatch() -> None:
    """Put everything back as it was, when the last who asked is done."""
    global _users
    _users -= 1
    if _users == 0:
        LISTENING.discard("seeds")
        for module in _SEEDING:
            FINDER.tell(module, None)
        while _undo:
            _undo.popitem()[1]()


def _note(name: str, seed: object) -> None:
    try:
        lane = LANE.get()
        if lane is not None and lane.thread != ident():
            lane = arrive(lane)
        if lane is not None and lane.sink is not None:
            lane.sink.seeded(name, snapshot(seed, lambda _: None))
    except Exception as error:
        trouble(error, "noting a seed")


def _arrived(module: str) -> None:
    # A module can arrive twice, and its submodules one by one: `torch.random` before `torch` is whole.
    attach = _SEEDING.get(module)
    loaded = sys.modules.get(module)
    if attach is not None and loaded is not None and module not in _undo:
        try:
            undo = attach(loaded)
        except (AttributeError, TypeError):  # half imported, or another version's: no seeds are noted for it
            return
        if undo is not None:
            _undo[module] = undo


def _random(module: Any) -> Callable[[], None] | None:
    hidden = module._inst

    def enter(me: object, seed: object = None, *_: object) -> None:
        if me is hidden:
            _note("random.seed", seed if seed is not NOT_GIVEN else None)

    return _weave(module.Random.seed, enter)


def _torch(module: Any) -> Callable[[], None] | None:
    return _weave(module.manual_seed, lambda seed, *_: _note("torch.manual_seed", seed))


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


def _weave(function: Any, enter: Callable[..., None]) -> Callable[[], None] | None:
    if type(function) is not FunctionType or id(function) in WOVEN:
        return None
    woven = WOVEN[id(function)] = Woven(function, way="init")
    woven.users.add(0)
    gate = woven.gate()
    if gate is not None:
        gate.enter = enter
    return woven.restore


_SEEDING: dict[str, Callable[[Any], Callable[[], None] | None]] = {
    "random": _random,
    "numpy.random": _numpy,
    "torch.random": _torch,
}
