"""Constructions that wait: who asks for it, how a call becomes an object that builds itself, and what the record says of both."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextvars import Token
from functools import partial
from types import CodeType, TracebackType
from typing import Any, Self, TypeVar

from begat.capture.asking import entry_of, later, method
from begat.capture.session import session  # it records; a pickle of what waits imports this module alone
from begat.capture.waiting import Calling, waits
from begat.errors import CannotTrack
from begat.intercept import deferring
from begat.intercept.deferring import BLOCKS, RULES, Rule
from begat.intercept.identity import link, linked
from begat.intercept.interceptor import caller
from begat.intercept.plans import TRACKED
from begat.intercept.tracking import function_of, track
from begat.intercept.watching import Watch, watch
from begat.introspect.callsites import locate
from begat.introspect.describe import Link
from begat.introspect.patterns import near
from begat.introspect.targets import is_class, name_of
from begat.lazy import ghost, policy, proxy
from begat.lazy.policy import Seed
from begat.lazy.proxy import Proxy
from begat.lazy.thunk import Thunk

T = TypeVar("T")


class deferred:  # noqa: N801  # read as a statement: ``with begat.deferred(Net):``
    """
    Every construction of these classes, and of what these patterns cover, waits until its object is touched.

    *things* are classes, and patterns as for `begat.watch`. It holds inside the block, in this thread and context.
    *rng* says what happens to random numbers: ``None`` that they are drawn when the object is built, ``"order"`` that
    what was called earlier in this block is built first, ``"keyed"`` that each construction has its own seeds.

    Raises TypeError for things that are neither, ValueError for an unknown *rng*.

    >>> import begat
    >>> class Net:
    ...     def __init__(self, hidden): self.hidden = hidden
    >>> with begat.deferred(Net):
    ...     net = Net(64)
    >>> begat.is_lazy(net), net.hidden, begat.is_lazy(net)
    (True, 64, False)
    """

    def __init__(self, *things: Any, rng: str | None = None) -> None:
        odd = [f", not {type(thing).__name__}" for thing in things if not (isinstance(thing, str) or callable(thing))]
        if odd or not things:
            said = 'deferred takes classes and patterns, one by one: begat.deferred(Net, "transformers.*")'
            raise TypeError(said + "".join(odd[:1]))
        if rng is not None and rng not in policy.POLICIES:
            raise ValueError(f"rng is None, 'order' or 'keyed', not {rng!r}")
        self._classes = [thing for thing in things if not isinstance(thing, str)]
        self._patterns = [thing for thing in things if isinstance(thing, str)]
        self._rule = Rule(self._classes, self._patterns, rng=rng)
        self._watch: Watch | None = None
        self._token: Token[tuple[Rule, ...]] | None = None

    def __enter__(self) -> Self:
        for cls in self._classes:
            track(cls, by="deferred")  # not by this block: it holds its classes
        if self._patterns:
            self._watch = watch(*self._patterns)
        if self._rule.rng == "keyed":
            self._rule.seeds = partial(Seed, policy.bases())
        RULES.put(self._rule)
        self._token = BLOCKS.set((*BLOCKS.get(), self._rule))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        RULES.drop(self._rule)
        BLOCKS.set(tuple(rule for rule in BLOCKS.get() if rule is not self._rule))
        # What waits is built by the woven constructor: the classes stay tracked.
        run = session.current()
        if error is not None or run is None:
            return
        for pattern in self._patterns:
            if pattern not in self._rule.matched:
                meant = near(pattern, self._rule.met)
                hint = f"; did you mean {meant!r}?" if meant else ""
                run.recorder.trouble(
                    f"begat.deferred({pattern!r}) let nothing wait: no call in its block matches{hint}"
                )


def lazy(thing: Callable[..., T]) -> Callable[..., T]:
    """
    *thing*, a class or another callable, so that calling it makes an object that waits: ``begat.lazy(Net)(64)``.

    The arguments are checked at the call, by the parameters and defaults that *thing* has now. What the call of a class
    returns is of that class; what stands for the result of anything else is a proxy, and stays one. Raises
    `begat.errors.CannotTrack`, a TypeError, for classes whose contents C code reads without asking (subclasses of dict, list,
    str, int …), and enumerations: no object can stand for them.

    >>> import begat
    >>> class Net:
    ...     def __init__(self, hidden): self.hidden = hidden
    >>> net = begat.lazy(Net)(64)
    >>> begat.is_lazy(net), net.hidden
    (True, 64)
    """
    subject: Any = thing
    known = TRACKED.get(id(subject))
    if (
        known is not None
        and (entry := known.entry) is not None
        and (init := entry.function()) is not None  # whether it is still the constructor is asked at the call
        and init.__code__ is entry.code
        and id(init.__defaults__) == entry.defaults
        and (not entry.keywords or id(init.__kwdefaults__) == entry.keywords)
    ):
        return _lazily(entry.enter, subject)
    if not callable(subject):
        hint = "; patterns go to begat.deferred" if isinstance(subject, str) else ""
        raise TypeError(f"lazy takes a class or another callable, not an instance of {type(subject).__name__}{hint}")
    if is_class(subject) and (reason := ghost.manner(subject).contents):
        raise CannotTrack(f"objects of {name_of(subject)} cannot wait: {reason}")
    if is_class(subject) and ghost.manner(subject).reason:
        return _Later(subject)
    try:
        track(subject)
    except CannotTrack:
        return _Later(subject)
    if is_class(subject) and (entry := entry_of(subject)) is not None:
        return _lazily(entry.enter, subject)
    return later(thing, Rule((subject if is_class(subject) else function_of(subject),), exactly=True))


class _Lazily(partial[Any]):
    """Calls that enter at once. It travels as its class does, and is no more a method than that where it is an attribute of a class."""

    __slots__ = ()

    def __get__(self, obj: object, owner: type | None = None) -> Self:
        return self

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return lazy, self.args

    def __repr__(self) -> str:
        return f"begat.lazy({name_of(self.args[0])})"


def _lazily(enter: Callable[..., Any], cls: Any) -> _Lazily:
    made = _Lazily(enter, cls)
    made.__dict__  # noqa: B018  # there is one from here on: else a partial of it would take it apart, and not travel
    return made


class _Later:
    """Calls that no hook sees, made to wait by hand."""

    __slots__ = ("__weakref__", "_binds", "function")

    def __init__(self, function: Any) -> None:
        self.function = function
        self._binds: Callable[..., object] | None = None  # asked for once: it takes longer than all the rest

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if self._binds is None:
            try:
                self._binds = inspect.signature(self.function).bind
            except (TypeError, ValueError):  # C code that does not tell
                self._binds = _anything
        self._binds(*args, **kwargs)
        if inspect.isabstract(self.function):
            return self.function(*args, **kwargs)  # it is refused, and here
        frame = caller(1)
        return Proxy(Unseen(self.function, args, kwargs, frame.f_code, frame.f_lasti))

    def __get__(self, obj: object, owner: type | None = None) -> Any:
        return method(self, self.function, obj, owner)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.function)

    def __repr__(self) -> str:
        return f"begat.lazy({self.function!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return lazy, (self.function,)


def _anything(*args: Any, **kwargs: Any) -> None:
    """For a callable that does not say what it takes."""


class Unseen(Thunk):
    """One call that waits and is not recorded: nothing of ours is in the code it runs."""

    __slots__ = ("_arguments", "_code", "_function", "_lasti")

    def __init__(
        self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], code: CodeType, lasti: int
    ) -> None:
        super().__init__()
        self._function, self._arguments = function, (args, kwargs)
        self._code, self._lasti = code, lasti

    @property
    def name(self) -> str:
        """What is called."""
        return str(getattr(self._function, "__qualname__", type(self._function).__name__))

    def place(self) -> str:
        """Where the call stands."""
        site = locate(self._code, self._lasti)
        return f"{site.file}:{site.line}"

    def function(self) -> Any:
        """What is called."""
        return self._function

    def arguments(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What was passed."""
        return self._arguments

    def build(self, obj: Any) -> Any:
        """Make the call."""
        args, kwargs = self._arguments
        try:
            return self._function(*args, **kwargs)
        except BaseException as error:
            self.noted(error)
            raise


def is_lazy(obj: object) -> bool:
    """Whether *obj* waits to be built. Asking does not build it."""
    return ghost.is_ghost(obj) or proxy.is_waiting(obj)


def materialize(obj: T, deep: bool = False) -> T:
    """
    Build *obj* if it waits, and return it; with *deep* also what it holds: attributes and the items of containers, all the way down.

    For a proxy it returns what the proxy stands for. Raises what the constructor raises.
    """
    for part in _parts(obj) if deep else (obj,):
        if proxy.is_proxy(part):
            proxy.made(part)
        else:
            ghost.build(part)
    return proxy.made(obj) if proxy.is_proxy(obj) else obj


def _parts(obj: object) -> Iterator[object]:
    """*obj* and what it holds; what waits is to be built before the next is asked for."""
    met: dict[int, object] = {}
    todo = [obj]
    while todo:
        here: Any = todo.pop()
        if id(here) in met or is_class(here):
            continue
        met[id(here)] = here
        yield here
        kind = type(here)
        if kind in (list, tuple, set, frozenset):
            todo.extend(here)
        elif kind is dict:
            todo.extend(here.values())
        elif kind.__module__ != "builtins":
            manner = ghost.manner(kind)
            todo.extend(manner.space(here).values() if manner.spacious else ())


def revive(obj: Any, recipe: tuple[Any, ...]) -> None:
    """Make *obj*, a copy that is allocated, wait for the call of the *recipe*."""
    cls: Any = type(obj)
    args, kwargs, *seed = recipe
    if isinstance(obj, BaseException):
        obj.args = args  # as its __new__ does
    track(cls)
    later(cls.__init__, _as_before((cls,), seed))(obj, *args, **kwargs)


def again(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *seed: Seed) -> Any:
    """The call of *function* again, to wait again."""
    found: Any = lazy(function)
    if type(found) is _Later:
        return found(*args, **kwargs)
    return later(function, _as_before((function_of(function),), seed))(*args, **kwargs)


def _as_before(subjects: tuple[Any, ...], seed: Sequence[Seed]) -> Rule:
    rule = Rule(subjects, exactly=True, rng="keyed" if seed else None)
    if seed:
        rule.seeds = lambda *_: seed[0]
    return rule


ghost.DOOR.revive = revive
proxy.DOOR.again = again
deferring.DOOR.waits = waits


def _behind(obj: Any) -> Link | None:
    """What stands in a record for a proxy: the call that it waits for, or what that made."""
    if not proxy.is_waiting(obj):
        return link(proxy.made(obj))
    thunk = obj._self_thunk
    return Link(thunk.token, thunk.schema) if type(thunk) is Calling else None


linked.behind[id(Proxy)] = _behind
