"""Arguments that wait: what a program changes between the call and the build is told apart, and the build gets the call's.

Of each container of the language that a call is given, at any depth, a copy of its own items is kept, and compared later by
identity: no code of the program runs, and whatever is one object in the arguments stays one.

Arguments travel in the place of what waits for them, and one that cannot be pickled is named: the pickler, in C, would not say
where it met it, and comes back to us with nothing.
"""

from __future__ import annotations

import copyreg
import pickle
import sys
from collections.abc import Iterator
from io import BytesIO
from operator import is_
from types import FunctionType
from typing import Any

from begat.introspect.targets import dict_of, has_base, is_class, module_of, mro_of

# By id, as a metaclass may have a hash of its own.
_KINDS = frozenset(map(id, (list, dict, tuple, set, bytearray)))
Kept = dict[int, tuple[Any, Any]]  # by the id of a container: itself, and a copy
NONE: Kept = {}  # never written to


def copies(values: tuple[Any, ...]) -> Kept:
    """The containers in *values*, and those in them, each with a copy; a tuple only if there are any in it."""
    kept: Kept = NONE
    for value in values:  # on the way of every call that waits, and most are numbers
        kind = type(value)
        if kind is int or kind is float or kind is str or id(kind) not in _KINDS:
            continue
        if kept is NONE:
            kept = {}
        inner = _keep(kept, value, kind)
        while inner:
            part = inner.pop()
            inner += _keep(kept, part, type(part))
    return kept


def _keep(kept: Kept, container: Any, kind: type) -> Any:
    """Keep a copy of *container*, which is a *kind*; returns the containers in it."""
    key = id(container)
    if key in kept:
        return ()
    # Copied first, in one step: another thread may go on changing it.
    copy = container if kind is tuple else container.copy()
    parts = copy if kind is list or kind is tuple else _parts(copy)
    inner: Any = None
    for part in parts:  # the types that most have, first: a million numbers are looked at here
        kind = type(part)
        if kind is not float and kind is not int and kind is not str and id(kind) in _KINDS:
            if inner is None:
                inner = []
            inner.append(part)
    if inner is not None or copy is not container:
        kept[key] = container, copy
    return inner or ()


def restored(values: tuple[Any, ...], kept: Kept) -> tuple[tuple[Any, ...], list[int]]:
    """*values* as they were when *kept* was made, the very objects where they are unchanged; and which were not."""
    if not kept:
        return values, []
    changed = {key for key, (container, copy) in kept.items() if not _same(container, copy)}
    if not changed:
        return values, []
    _spread(changed, kept)
    made = _made(changed, kept)
    return tuple([made.get(id(value), value) for value in values]), [
        i for i, v in enumerate(values) if id(v) in changed
    ]


def held(values: Any) -> Iterator[Any]:
    """What is in *values*, and in the containers in it, and no container itself."""
    todo, met = [values], set()
    while todo:
        here = todo.pop()
        if id(type(here)) not in _KINDS:
            yield here
        elif id(here) not in met:
            met.add(id(here))
            todo.extend(_parts(here))


def _parts(container: Any) -> Any:
    kind = type(container)
    if kind is dict:
        return container.values()
    return (
        container if kind is list or kind is tuple else ()
    )  # what is hashed, and bytes, hold no containers that change


def _same(now: Any, copy: Any) -> bool:
    kind = type(now)
    if now is copy:
        return True
    if len(now) != len(copy):
        return False
    if kind is list:
        return all(map(is_, now, copy))
    if kind is dict:
        now = now.copy()  # in one step
        return all(map(is_, now, copy)) and all(map(is_, now.values(), copy.values()))
    return set(map(id, now)) == set(map(id, copy)) if kind is set else bool(now == copy)


def _spread(changed: set[int], kept: Kept) -> None:
    """Add to *changed* the containers that hold those in it."""
    before = 0
    while len(changed) > before:
        before = len(changed)
        for key, (_, copy) in reversed(kept.items()):  # the inner ones first, for the most part
            if key not in changed and not changed.isdisjoint(map(id, _parts(copy))):
                changed.add(key)


def _made(changed: set[int], kept: Kept) -> dict[int, Any]:
    """What the containers in *changed* were, one object for each."""
    made = {key: _begun(kept[key][1]) for key in changed if type(kept[key][1]) is not tuple}
    tuples = [key for key in kept if key in changed and key not in made]
    while tuples:  # those first whose parts are there
        ready = [key for key in tuples if all(id(part) in made or id(part) not in changed for part in kept[key][1])]
        made |= {key: tuple([made.get(id(part), part) for part in kept[key][1]]) for key in ready}
        tuples = [key for key in tuples if key not in made]
    for key, empty in made.items():
        copy = kept[key][1]
        if type(copy) is dict:
            empty.update({name: made.get(id(part), part) for name, part in copy.items()})
        elif type(copy) is list:
            empty.extend([made.get(id(part), part) for part in copy])
    return made


def _begun(copy: Any) -> Any:
    return copy.copy() if type(copy) is set or type(copy) is bytearray else type(copy)()


_PLAIN = frozenset(
    map(id, (*(int, float, str, bytes, bool, complex, type(None)), *(list, dict, tuple, set, bytearray)))
)
# Picklers: these write functions by name, those by what they do.
_BY_NAME = ("_pickle", "pickle", "multiprocessing.reduction")
_BY_VALUE = ("cloudpickle.cloudpickle", "dill._dill")
_BASIC = object.__basicsize__


def refusal(value: object, protocol: int) -> Exception | None:
    """
    What the pickler that asks for *value* will say of it, or of a part of it; None where it takes it, or that is not sure.

    Only what no code of the program is asked about is tried: functions, and what C code made and cannot take apart.
    """
    pickler: Any = None
    for part in _parts_that(_is_odd, value):
        pickler = pickler or _pickler()
        if pickler is None or (type(part) is FunctionType and module_of(pickler) not in _BY_NAME):
            continue
        try:
            pickler(BytesIO(), protocol).dump(part)
        except Exception as error:
            return error.with_traceback(None)
    return None


def _parts_that(are: Any, values: object) -> Iterator[object]:
    todo, met = [values], set()
    while todo:
        here: Any = todo.pop()
        if id(type(here)) not in _KINDS:
            if are(type(here)):
                yield here
        elif id(here) not in met:
            met.add(id(here))
            parts = tuple(_parts(here))
            todo.extend([part for part in parts if id(type(part)) in _KINDS])
            if not _PLAIN.issuperset(map(id, map(type, parts))):
                yield from [part for part in parts if id(type(part)) not in _PLAIN and are(type(part))]


def _is_odd(kind: type) -> bool:
    """Whether `object` has to say how a *kind* is taken apart, and cannot: there is more in it than attributes."""
    if kind is FunctionType:
        return True
    for name in ("__reduce_ex__", "__reduce__", "__getstate__"):
        if any(name in dict_of(each) for each in mro_of(kind)[:-1]):  # the last is object
            return False
    if kind in copyreg.dispatch_table or any("__slots__" in dict_of(each) for each in mro_of(kind)):
        return False
    attributes = 8 * (kind.__dictoffset__ > 0) + 8 * (kind.__weakrefoffset__ > 0)
    return bool(kind.__itemsize__) or kind.__basicsize__ > _BASIC + attributes


def _pickler() -> Any:
    """The class of the pickler at work, as far as it shows; None where somebody else may be asking."""
    frame: Any = sys._getframe(1)
    while frame is not None and f"{frame.f_globals.get('__name__')}"[:6] == "begat.":
        frame = frame.f_back
    if frame is None:
        return None
    home, code = frame.f_globals.get("__name__"), frame.f_code
    if (home, code.co_name) == ("multiprocessing.reduction", "dump"):
        return frame.f_globals["ForkingPickler"]
    # Asked for alone where they are: to ask for the locals of a function holds them, up to 3.12, for as long as it runs.
    for name in [each for each in ("self", "cls", "pickler") if each in code.co_varnames or each in code.co_cellvars]:
        found = frame.f_locals.get(name)
        kind: Any = found if is_class(found) else type(found)
        if has_base(kind, pickle.Pickler) or has_base(kind, pickle._Pickler):
            if home == "torch.serialization":  # it asks for storages alone, and keeps those it was asked for
                kind = kind.__base__
            return kind if module_of(kind) in (*_BY_NAME, *_BY_VALUE) else None  # others may be made in other ways
    # C code: ``pickle.dumps``, or, where it is not called by that name, who knows what subclass.
    asks = {"dumps", "dump", "__reduce_ex__"}.intersection(code.co_names)
    return pickle.Pickler if asks == {"dumps"} else None
