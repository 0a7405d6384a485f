"""Objects that go to another process keep their node: behind a message that holds some stands which they are.

A pickle says itself where it ends, and whoever reads one ignores what follows; so the message means the same to everybody else,
and what the program pickles is never touched. Objects are told by a second pickle of the same pickler, a list of places in the
memo, which the same unpickler has too; their nodes by the journal they are in and the number there, which whoever reads the
journals knows.
"""

from __future__ import annotations

import inspect
import io
import pickle
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any
from weakref import ref

from begat.capture.living import ARRIVED, recorders
from begat.intercept.bare import Bare
from begat.intercept.identity import link, linked
from begat.intercept.interceptor import trouble
from begat.intercept.plans import LOCK, TRACKED
from begat.intercept.tracking import function_of, release, track
from begat.intercept.woven import WOVEN, enter_first, instead, original
from begat.introspect.targets import dict_of
from begat.record.engine import engine

Address = tuple[str, int]
"""The name of a journal, or the id of a run, and the number of a row there."""

_MARK = b"\0begat\0"  # a pickle ends with a full stop
_SIZE = 4
_DEEP, _MANY = 6, 1_000  # how far to look for objects among the arguments of a process


# --- which node an object is ----------------------------------------------------------------------------------------------
def addresses(objects: list[Any]) -> list[tuple[int, Address]]:
    """Where among *objects* are some that were built in a run with a journal, here or where they came from, and their nodes."""
    wanted = {id(token): (place, token) for place, token in enumerate(map(_token, objects)) if token is not None}
    found: dict[int, tuple[int, Address]] = {}
    for recorder in recorders() if wanted else ():
        recorder.resolve()
        rows, journal = recorder.rows, recorder.journal
        places = rows.places()
        for key, (place, token) in wanted.items():
            number = places.get(key) if key not in found else None
            if number is not None and rows.token(number) is token:
                number = recorder.again.get(number, ("", number))[1]
                found[key] = place, journal.address(number) if journal is not None else (recorder.identity, number)
    for key, (place, token) in wanted.items():
        if (arrived := ARRIVED.get(key)) is not None and arrived[0] is token:
            found.setdefault(key, (place, arrived[1]))
    return sorted(found.values())


def _token(obj: object) -> object:
    found = link(obj)
    return found.node if found is not None and type(found.node) is ref else None


def arrive(obj: Any, address: Address) -> None:
    """*obj* has come here, and was built at *address*."""
    token = ref(obj)
    if len(ARRIVED) >= 2 * max(4096, _living):
        _prune()
    ARRIVED[id(token)] = token, address


_living = 0


def _prune() -> None:
    global _living
    for key in [key for key, (token, _) in list(ARRIVED.items()) if token() is None]:  # other threads add to it
        ARRIVED.pop(key, None)
    _living = len(ARRIVED)


# --- messages -------------------------------------------------------------------------------------------------------------
class Telling:
    """Stands for *kind*, a class of picklers, for one message: what its pickler meets is noted, and told behind the message."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._seen: list[Any] = []
        self._pickler: Any = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        pickler = self._pickler = self._kind(*args, **kwargs)
        asked = getattr(self._kind, "reducer_override", None)
        # Weakly, for a ring would keep what was sent alive.
        pickler.reducer_override = _meets(self._seen, asked, ref(pickler))
        return pickler

    def end(self, file: io.BytesIO) -> None:
        """Write to *file*, behind the pickle, which nodes are in it."""
        try:
            known = addresses(self._seen)
            if known and not self._pickler.fast:  # that has no memo
                self._pickler.dump([self._seen[at] for at, _ in known])
                data = engine().dumps([address for _, address in known])
                file.write(data + len(data).to_bytes(_SIZE, "big") + _MARK)
        except Exception as error:
            trouble(error, "telling another process which objects it gets")


def _meets(seen: list[Any], asked: Any, pickler: Callable[[], Any]) -> Callable[[Any], Any]:
    """What a pickler asks of every object that is no plain value: it goes on as it would, and what is tracked is *seen*."""
    plans, plan_of, results = linked.plans, linked.plan_of, linked.result_types

    def meet(part: Any) -> Any:
        kind = type(part)
        plan = plans.get(id(kind)) or plan_of(kind)
        if plan.key is not None or id(kind) in results:
            seen.append(part)
        return NotImplemented if asked is None else asked(pickler(), part)

    return meet


# multiprocessing's `dumps`, line by line: what cannot be pickled has the traceback that it always had.
_PLAIN = """\
    @classmethod
    def dumps(cls, obj, protocol=None):
        buf = io.BytesIO()
        cls(buf, protocol).dump(obj)
        return buf.getbuffer()
"""
_TOLD = """\
if True:

    def dumps(cls, obj, protocol=None):
        buf = io.BytesIO(); cls = telling = Telling(cls)
        cls(buf, protocol).dump(obj)
        telling.end(buf); return buf.getbuffer()
"""


def sends(module: Any) -> Callable[[], None] | None:
    """Let multiprocessing's own pickler, in ``multiprocessing.reduction``, tell and be told."""
    kind = module.ForkingPickler
    dumps, loads = kind.__dict__["dumps"], kind.__dict__["loads"]
    lines, first = inspect.getsourcelines(dumps.__func__)
    if "".join(lines) != _PLAIN or loads is not pickle.loads:
        return None
    names: dict[str, Any] = {"io": io, "Telling": Telling, "__name__": module.__name__}
    exec(compile("\n" * (first - 2) + _TOLD, dumps.__func__.__code__.co_filename, "exec"), names)  # noqa: S102  # the text above
    kind.dumps, kind.loads = classmethod(names["dumps"]), Loads()

    def undo() -> None:
        kind.dumps, kind.loads = dumps, loads

    return undo


class Loads:
    """In the place of ``pickle.loads``: that is C's, and has no frame; ours is asked only where a message tells something."""

    def __get__(self, _: object, kind: type) -> Callable[..., Any]:
        names = sys._getframe(1).f_locals
        return loaded if any(_marked(names.get(name)) for name in _MESSAGES) else pickle.loads


_MESSAGES = ("res", "buf", "x", "in_band")  # what multiprocessing, Dask and Ray call what they read


def _marked(data: Any) -> bool:
    try:
        data = data.getbuffer() if type(data) is io.BytesIO else data
        known = type(data) in (bytes, memoryview) or type(data).__name__ == "_memoryviewslice"  # Cython's, and so Ray's
        return known and bytes(data[-len(_MARK) :]) == _MARK
    except (TypeError, ValueError):  # closed, released, of no dimension: it was another variable of the caller's
        return False


def loaded(data: Any, **options: Any) -> Any:
    """What the message *data* holds; its objects are known by their nodes."""
    if not _marked(data):  # it was another variable of the caller's
        return pickle.loads(data, **options)  # noqa: S301  # as whoever is served does
    unpickler = pickle.Unpickler(io.BytesIO(data), **options)  # noqa: S301  # as whoever is served does
    found = unpickler.load()
    try:
        end = len(data) - len(_MARK) - _SIZE
        size = int.from_bytes(data[end : end + _SIZE], "big")
        told = engine().loads(bytes(data[end - size : end]))
        for part, (journal, number) in zip(unpickler.load(), told, strict=True):
            arrive(part, (journal, number))
    except Exception as error:
        trouble(error, "learning which objects another process has sent")
    return found


def sends_by_loky(module: Any) -> Callable[[], None]:
    """Let the queues of joblib's processes, in ``loky.backend.queues``, tell; they are told by multiprocessing's."""
    from importlib import import_module

    reduction = import_module(module.__name__.replace("queues", "reduction"))

    def dumps(obj: Any, reducers: Any = None, protocol: Any = None) -> Any:
        return _told(reduction.get_loky_pickler(), obj, reducers=reducers, protocol=protocol).getbuffer()

    return _exchange(module, dumps=dumps)


def sends_by_pickle(module: Any) -> Callable[[], None]:
    """Let *module*, of Dask's or Ray's, tell and be told, in whose globals are ``pickle`` and the like."""
    names = [name for name in ("pickle", "cloudpickle") if name in vars(module)]
    return _exchange(module, **{name: Pickles(getattr(module, name)) for name in names})


class Pickles:
    """What stands in a module of somebody's for *module*, its ``pickle``."""

    def __init__(self, module: Any) -> None:
        self._module = module
        self._kind = type("Pickler", (module.Pickler,), {})  # C's has no attributes of its own

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)

    def dumps(self, obj: Any, *given: Any, **named: Any) -> bytes:
        """The pickle of *obj*, and which nodes are in it."""
        return _told(self._kind, obj, *given, **named).getvalue()

    loads = Loads()


def _told(kind: Any, obj: Any, *given: Any, **named: Any) -> io.BytesIO:
    file, telling = io.BytesIO(), Telling(kind)
    telling(file, *given, **named).dump(obj)
    telling.end(file)
    return file


def _exchange(module: Any, **others: Any) -> Callable[[], None]:
    plain = {name: getattr(module, name) for name in others}
    vars(module).update(others)
    return lambda: vars(module).update(plain)


# --- classes that travel by value -----------------------------------------------------------------------------------------
def takes_classes(module: Any) -> Callable[[], None] | None:
    """
    Let classes that come back to where they are, in ``cloudpickle``, stay tracked.

    A class of the main program is sent with all that it has, and on its way back each thing is put into it again; its
    constructor then is a copy, in which what was woven is dead.
    """
    return enter_first(module._class_setstate, _coming_back)


def _coming_back(cls: Any, state: Any) -> Any:
    try:
        parts, slots = state
        done = {
            name for name, mine in list(dict_of(cls).items()) if name in parts and _taken(cls, name, mine, parts[name])
        }
        return instead(cls, ({name: part for name, part in parts.items() if name not in done}, slots)) if done else None
    except Exception as error:
        trouble(error, "tracking a class that came back from another process")
        return None


def _taken(cls: Any, name: str, mine: Any, its: Any) -> bool:
    """Whether *its*, which is to stand in the place of *mine*, is a copy of it in which what is ours is dead: then it stands there, and lives."""
    if type(mine) is Bare:  # it is nothing of the class's own
        return True
    function, copy = function_of(mine), function_of(its)
    with LOCK:
        woven = WOVEN.get(id(function)) if type(copy) is FunctionType else None
        if woven is None or not _is_of(copy.__code__, original(function)):
            return False
        users = [TRACKED[user] for user in woven.users if user in TRACKED]
        tracked = [(subject, each.options, tuple(each.by)) for each in users if (subject := each.subject()) is not None]
        for subject, *_ in tracked:
            release(subject, None)
        copy.__code__ = original(function)
        setattr(cls, name, its)
        for subject, options, by in tracked:
            for each in by:
                track(copy if subject is function else subject, options, each)
    return True


def _is_of(code: CodeType, written: CodeType) -> bool:
    """Whether *code* is what was *written*, bare or woven, here or where it was: that puts constants and names behind those there are."""
    same = ("co_filename", "co_firstlineno", "co_qualname", "co_varnames", "co_freevars")
    return all(getattr(code, name) == getattr(written, name) for name in same) and all(
        getattr(code, name)[: len(own)] == own for name in ("co_consts", "co_names") if (own := getattr(written, name))
    )


# --- a process that begins anew -------------------------------------------------------------------------------------------
Spot = tuple[tuple[Any, ...], Address]


def carried(process: object) -> list[Spot]:
    """Which objects the new *process* has among its arguments and attributes, by the keys and indices that lead there."""
    spots = list(_spots(getattr(process, "__dict__", None), (), []))
    return [(spots[place][0], address) for place, address in addresses([part for _, part in spots])]


def landed(process: object, spots: list[Spot]) -> None:
    """What `carried` found, in the child."""
    for path, address in spots:
        part: Any = vars(process)
        try:
            for key in path:
                part = part[key]
            arrive(part, address)
        except (LookupError, TypeError):
            continue  # it is something else here


def _spots(value: Any, path: tuple[Any, ...], met: list[None]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    kind = type(value)
    if kind is dict:
        items = [(key, part) for key, part in value.items() if type(key) in (str, int)]
    elif kind is list or kind is tuple:
        items = list(enumerate(value))
    else:
        yield path, value
        return
    for key, part in items[:_MANY] if len(path) < _DEEP else ():
        met.append(None)
        if len(met) > _MANY:
            return
        yield from _spots(part, (*path, key), met)
