"""Work for pools of processes: it takes along the block of overrides in which it was handed out.

The workers of a pool live longer than a block, or were there before it; so what they do for a block hears of that block, and
what they do for others does not. While a block is open the methods by which pools are given work wrap it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from begat.capture.orders import Orders
from begat.capture.session import BLOCK, session
from begat.capture.tally import Tally, Way
from begat.intercept.deferring import RULES
from begat.intercept.importing import FINDER
from begat.replay.override import Override

Handed = tuple[str, Any, tuple[Any, ...], tuple[Way, ...]]
"""An override on its way to another process: address, value, how it was said, where it is counted."""

_SUBMIT = ("ProcessPoolExecutor", ("submit",))
_POOLS = {
    "concurrent.futures.process": _SUBMIT,
    "joblib.externals.loky.process_executor": _SUBMIT,
    "loky.process_executor": _SUBMIT,
    "multiprocessing.pool": ("Pool", ("apply_async", "_map_async", "imap", "imap_unordered")),
}
_KEPT = 8

_undo: list[Callable[[], None]] = []
_woven: set[str] = set()
_users = 0
_orders: dict[tuple[Way, ...], Orders] = {}  # of this worker, by where they are counted


class Task:
    """*function*, to be called in another process under *overrides*."""

    def __init__(self, function: Callable[..., Any], overrides: tuple[Handed, ...]) -> None:
        self.function = function
        self.overrides = overrides

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function returns."""
        orders = _held(self.overrides)
        RULES.put(orders)
        token = BLOCK.set(orders)
        try:
            return self.function(*args, **kwargs)
        finally:
            BLOCK.reset(token)
            RULES.drop(orders)


def handed(orders: Orders | None) -> tuple[Handed, ...]:
    """What another process needs of *orders*."""
    if orders is None:
        return ()
    ways = orders.tally.ways_of
    return tuple((each.address, each.value, each.manner, ways(each)) for each in orders.overrides)


def taken(overrides: tuple[Handed, ...]) -> Orders:
    """What *overrides* of another process are in this one."""
    found = [(Override(address, value, *manner), ways) for address, value, manner, ways in overrides]
    return Orders((each for each, _ in found), tally=Tally(ways={each.number: ways for each, ways in found}))


def _held(overrides: tuple[Handed, ...]) -> Orders:
    key = tuple(way for *_, ways in overrides for way in ways)
    if key not in _orders:
        while len(_orders) >= _KEPT:
            del _orders[next(iter(_orders))]
        _orders[key] = taken(overrides)
    return _orders[key]


def is_worker(process: object) -> bool:
    """Whether *process* is one of a pool, which is told with each task what holds."""
    return getattr(getattr(process, "_target", None), "__module__", None) in _POOLS


# --- in the parent --------------------------------------------------------------------------------------------------------
def watch() -> None:
    """A block was entered: from now on work for pools is wrapped, if it is handed out in a block."""
    global _users
    _users += 1
    if _users == 1:
        for module in _POOLS:
            _arrived(module)
            FINDER.tell(module, _arrived)


def unwatch() -> None:
    """A block was left; the last one puts everything back."""
    global _users
    _users -= 1
    if _users == 0:
        for module in _POOLS:
            FINDER.tell(module, None)
        while _undo:
            _undo.pop()()
        _woven.clear()


def _arrived(name: str) -> None:
    kind, methods = _POOLS[name]
    cls: Any = getattr(sys.modules.get(name), kind, None)
    if cls is not None and name not in _woven:
        _woven.add(name)
        for method in methods:
            _weave(cls, method)


def _weave(cls: Any, name: str) -> None:
    plain = cls.__dict__[name]

    @wraps(plain)
    def handing(pool: Any, *args: Any, **kwargs: Any) -> Any:
        orders = session.block()
        if orders is not None and not orders.over and type(pool).__name__ != "ThreadPool":
            if args:
                args = (Task(args[0], handed(orders)), *args[1:])
            elif "func" in kwargs:
                kwargs["func"] = Task(kwargs["func"], handed(orders))
        return plain(pool, *args, **kwargs)

    def undo() -> None:
        if cls.__dict__.get(name) is handing:
            setattr(cls, name, plain)

    setattr(cls, name, handing)
    _undo.append(undo)


# --- in a forked child ----------------------------------------------------------------------------------------------------
class _Mark:
    """What multiprocessing holds weakly."""


_MARK = _Mark()


def _forked() -> None:
    util: Any = sys.modules.get("multiprocessing.util")
    if session.block() is not None and hasattr(util, "register_after_fork"):
        util.register_after_fork(_MARK, _begun)


def _begun(_: object) -> None:
    """This process begins its work; it has the memory, and so the block, of its parent."""
    from multiprocessing import current_process

    if is_worker(current_process()):
        session.leave_blocks()


os.register_at_fork(after_in_child=_forked)
