"""One run's memory: raw rows in a log, taken out into compact rows, resolved into nodes and edges when somebody looks.

A row is the tuple of the values; what a construction is called by (its token), where and by which schema it was called, and
which construction it happened in stand in columns beside it, so that rows of plain scalars hold no reference to anything of the program and the
garbage collector does not walk them. An argument that is a tracked object stays a `Link` until `resolve` finds its number.

Invariant: a node's number is its position among all rows there ever were, for good; a row that turns out to be no construction
of its own (``__init__`` called again) is listed in `again`.
"""

from __future__ import annotations

import os
import threading
from array import array
from collections.abc import Callable, Sized
from typing import TYPE_CHECKING, Any
from weakref import ref

from begat.capture import links, living
from begat.capture.happenings import identified, noted
from begat.capture.living import dead_among, without_none
from begat.capture.past import let_go
from begat.capture.pins import Pins
from begat.capture.rows import Rows, parted
from begat.intercept.constants import MISSED
from begat.intercept.hooks import renewed
from begat.intercept.interceptor import HEAD, LIMIT, Built, Call, Instead, Lane, Returned, ident, trouble
from begat.intercept.plans import replaced_constructors
from begat.introspect.describe import Link, Rooms
from begat.introspect.targets import name_of
from begat.record import limits
from begat.record.values import Ref

if TYPE_CHECKING:
    from begat.capture.journal import Journal

_LAST = 16  # rows whose objects are likely to be arguments of the next


class Recorder:
    """The sink of one run. *parent* is the recorder of the run around it; of more than *limit* rows some go."""

    def __init__(self, parent: Recorder | None = None, limit: int | None = None, identity: str = "") -> None:
        self.parent = parent
        self.limit = limit if limit is not None else limits.HELD
        self.identity = identity
        self.owner: Callable[[], Any] = lambda: None  # the live run that reads this, weakly
        self.pid = os.getpid()
        # From torchrun, or another launcher.
        self.rank = int(rank) if (rank := os.environ.get("RANK", "")).isdecimal() else None
        self.closed = False
        self.log: list[Any] = []
        self.events: list[Any] = []
        self.lanes: dict[int, Lane] = {}
        self.rows = Rows()
        self.outcomes: dict[int, str] = {}
        self.unbuilt: set[int] = set()
        self.built: dict[int, Built] = {}
        self.changed: dict[int, dict[str, tuple[object, Any]]] = {}
        self.instead: dict[int, Instead] = {}
        self.moved: dict[int, int] = {}  # rows whose call was made for another row's
        self.again: dict[int, tuple[str, int]] = {}
        self.seeds: dict[str, object] = {}
        self.marks: list[str] = []
        self.pins = Pins()
        self.pin, self.pinned = self.pins.of, self.pins.known
        self.room = Rooms(self.marks).of
        self.links: list[Link] = []  # in the rows that are not resolved yet
        self.strangers = False  # there are rows in which a link is left: nobody saw that object built
        self._inner = False  # some of them happened inside others
        self._far = False  # some of them refer to what is not among them
        self._familiar: dict[int, tuple[object, int]] = {}  # by id: the tokens of what was going on, and their numbers
        self._raised: list[tuple[object, str]] = []
        self._returned: list[Returned] = []
        self._later: list[Any] = []
        self._outer: Callable[[object], Ref | None] | None = None
        self.journal: Journal | None = None
        self._limit = LIMIT
        self._room = self.limit
        self.untold = False  # rows went that are not in the journal
        self._resolved = 0
        self._suspicious = False
        self._swept = self._lived = 4096
        self._busy = threading.RLock()
        self._inside = 0  # the thread that is in here
        self.nth, self.survivor = next(living.COUNT), living.gone  # a token: its object lived
        living.join(self)

    def forked(self) -> None:
        """In the child of a fork: another thread may have held the lock, and is not here to release it."""
        self._busy = threading.RLock()
        self._inside = 0

    @property
    def run(self) -> Any:
        """The live run that reads this."""
        return self.owner()

    # --- what lanes need ------------------------------------------------------------------------------------------------
    def lane(self) -> Lane:
        """This thread's lane into this run."""
        thread = ident()
        lane = self.lanes.get(thread)
        if lane is None:
            lane = self.lanes[thread] = Lane(self, self.log, self.events, self.links, thread)
            lane.limit = self._limit
        return lane

    def write_to(self, journal: Journal, events: list[Any]) -> None:
        """What happens from now on goes into *journal*, too; *events* tell it of themselves."""
        self.journal = journal
        self.events = events
        for lane in list(self.lanes.values()):
            lane.events = events
        self.limit_log(0)

    def limit_log(self, limit: int) -> None:
        """Ask to settle when a log is longer than this."""
        self._limit = limit
        for lane in list(self.lanes.values()):
            lane.limit = limit

    def trouble(self, what: str) -> None:
        if what not in self.marks:
            self.marks.append(what)

    def suspect(self) -> None:
        """A row may be coming whose object was built before."""
        self._suspicious = True

    def seeded(self, name: str, value: object) -> None:
        """A seeding function was called."""
        self.seeds[name] = value
        if self.journal is not None:
            self.journal.arm()

    def close(self) -> None:
        """No more rows: threads and tasks that still hold a lane are sent on."""
        self.closed = True
        replaced = replaced_constructors()
        if replaced:
            more = f" (and of {len(replaced) - 1} more)" if len(replaced) > 1 else ""
            self.trouble(
                f"the constructor of {replaced[0]}{more} was replaced after it was tracked: only what the new one hands on is here"
            )
        for lane in list(self.lanes.values()):
            lane.thread = 0
        self.drain()
        self.resolve()
        if self.rows.base:  # what is written at the end has to be small, too
            self.let_go(0)
        self.pins.clear()
        self.lanes.clear()
        living.closed(self)

    # --- taking rows out ------------------------------------------------------------------------------------------------
    def settle(self, most: int = LIMIT) -> None:
        """A log has grown longer than its limit: by a first row after a quiet time, or by many; with more than *most* it is emptied."""
        if self.journal is not None:
            self.journal.arm()
        if len(self.log) > most:
            self.drain()
            if self.journal is not None:
                self.journal.keep_up()
        self.let_go()

    def drain(self) -> None:
        """Move the log into the columns. Does nothing while it is being done: by another thread, or below us."""
        self.alone(self._drain, 0)

    def _drain(self) -> None:
        if self.rows.held + len(self.log) // HEAD >= 2 * self._swept:
            self._resolve()
            self._swept = max(4096, self.rows.held)
        else:
            self._take()
            self._forget()

    def alone(self, work: Callable[[], object], patience: float) -> None:
        """Do *work*, unless that is being done: below us, or by another thread for so many seconds."""
        # A signal handler or a finalizer that constructs must not come in a second time. The lock is reentrant all the
        # same: an interrupt between taking it and the block that releases it must not lock its own thread out for good.
        if self._inside == ident() or not self._busy.acquire(timeout=patience):
            return
        try:
            self._inside = ident()
            self._level()
            work()
        except Exception as error:
            self.trouble(f"{type(error).__name__} while taking rows out of the log")
            trouble(error, "taking rows out of the log")
        finally:
            self._inside = 0
            self._busy.release()

    def let_go(self, limit: int | None = None) -> None:
        """Where more rows are in the columns than there is room for (than *limit*), keep some of them: `Past` says which."""
        if self.rows.held > (self._room if limit is None else limit):
            if self.journal is not None:
                self.journal.flush()
            self.alone(self._let_go, 0)

    def _let_go(self) -> None:
        self._resolve()
        self._room = let_go(self, self._room)
        self._swept = max(4096, self.rows.held)

    def _take(self) -> None:
        # Events first: what they are about stands in the log already.
        for event in (events := self.events[:]):
            if type(event) is tuple:
                self._raised.append((event[0], name_of(event[1])))
            elif type(event) is Returned:
                self._returned.append(event)
            else:
                self._later.append(event)
        del self.events[: len(events)]
        if MISSED:
            MISSED.clear()
            self.trouble("RecursionError while recording a call")
        log = self.log[:]
        del self.log[: len(log)]
        if not log:
            return
        batch = parted(log)
        if any(batch.within):  # the tokens are true: to compare them would take ten times as long
            self._inner = True
        self.rows.add(batch)

    def _level(self) -> None:
        """Cut off what an interrupt, or a fork in the middle, left beyond the whole rows."""
        count = len(self.rows)
        if self.rows.level():
            self._resolved = min(self._resolved, count)
            self.trouble("an interrupt while taking rows out of the log")

    # --- resolving ------------------------------------------------------------------------------------------------------
    def resolve(self) -> int:
        """Find the number of every object that rows refer to by its token; returns how many rows can be read."""
        # Below its own bookkeeping, or while another thread is stuck in it, what was resolved before has to do.
        self.alone(self._resolve, 10)
        return self._resolved

    def _resolve(self) -> None:
        # What is dead now can be in no row that comes later: asked before the log is taken, cleared after it was read.
        rows = self.rows
        tokens = rows.tokens
        start = self._resolved - rows.base
        # Those that lived the last time are looked at when they have become twice as many: every time would be all the time.
        again = len(rows.live) >= 2 * self._lived
        live = [*(rows.live if again else ()), *range(start, len(tokens))]
        dead = [i for i, gone in zip(live, dead_among(without_none([tokens[i] for i in live])), strict=True) if gone]
        links = self.links[:]
        self._take()
        if (self.links or self._inner or self._complicated()) and not self._resolved_nearby(links):
            self._refer(links)
        for position in dead:
            tokens[position] = None
        if again:
            rows.live = array("q", [i for i in rows.live if tokens[i] is not None])
            self._lived = max(4096, len(rows.live))
        self._settled_up_to_here()

    def _resolved_nearby(self, links: list[Link]) -> bool:
        """Whether new rows refer to each other alone, and those of *links* that were there before the log was taken to them."""
        if self._far or self._complicated():
            return False
        found = self._refer_nearby(self._young(), self._around())
        self.strangers |= bool(self.links)
        return found or not (self._inner or any(type(link) is Link for link in links))

    def _forget(self) -> None:
        """Drop the tokens of objects that have come and gone since the last time, as most do, if no row can refer to them: full collections stay rare."""
        if self._far or self._complicated():
            return
        tokens, start = self.rows.tokens, self._resolved - self.rows.base
        young = self._young()
        alive = [None if gone else token for token, gone in zip(young, dead_among(young), strict=True)]
        around = self._around()
        if (self._inner or self.links or around) and not self._refer_nearby(young, around):
            self._far = True
            return
        # Else something may have come in meanwhile, and refer to what died since.
        if not (self.log or self.events or any(r.links for r in living.opened())):
            tokens[start:] = alive
            self._settled_up_to_here()

    def _refer_nearby(self, young: list[Any], around: list[object]) -> bool:
        """Put numbers for *young* tokens, for what went on last time, and the last ones, in all new rows; *around* is going on now. Whether those are all."""
        if any(type(token) is Call for token in around):
            return False  # what it built may turn out to be what it returns
        numbers = dict(zip(map(id, young), range(self._resolved, self._resolved + len(young)), strict=True))
        for key, (_, number) in self._familiar.items():
            numbers[key] = number
        if self._inner:
            self._inner = not self.rows.renew_within(self._resolved, numbers)
        links.find(self.links, numbers, self.again)
        self._meet([*around, *young[-_LAST:]], numbers)
        return not (self._inner or self.links)

    def _around(self) -> list[object]:
        """The tokens of what is going on."""
        return [token for lane in list(self.lanes.values()) for token in lane.stack]

    def going_on(self) -> list[int]:
        """The rows whose calls go on, of those that were there when rows were last resolved."""
        found = ((token, self._familiar.get(id(token))) for token in self._around())
        numbers = {known[1] for token, known in found if known is not None and known[0] is token}
        return sorted(self.again.get(number, ("", number))[1] for number in numbers)

    def _meet(self, tokens: list[object], numbers: dict[int, int]) -> None:
        self._familiar = {id(token): (token, numbers[id(token)]) for token in tokens if id(token) in numbers}

    def _young(self) -> list[Any]:
        """The tokens that are not settled. An interrupt may have come after dropping some and before that was noted."""
        return without_none(self.rows.tokens[self._resolved - self.rows.base :])

    def _complicated(self) -> object:
        return self._raised or self._returned or self._later or self._suspicious or self.pins.met

    def _settled_up_to_here(self) -> None:
        rows = self.rows
        start = self._resolved - rows.base
        young = rows.tokens[start:]
        if any(young):
            rows.live.extend([i for i, token in enumerate(young, start) if token is not None])
            if self.closed:  # a thread was late
                living.closed(self)
        self._resolved = rows.base + len(rows.tokens)
        self.rows.pack()

    def _refer(self, known: list[Link]) -> None:
        """
        Put numbers in the place of tokens in all rows that are new.

        Of the links that are left those *known*, which were there before the log was taken, lead to nothing in this run.
        """
        numbers = self._numbers()
        for token, error in self._raised:
            number = numbers.get(id(token))
            if number is not None:
                self.outcomes[number] = error
        for event in self._later:
            noted(self, event, numbers)
        for returned in self._returned:
            identified(self, returned, numbers)

        if self._inner:
            self.rows.renew_within(self._resolved, numbers)
            self.rows.end_within(self._resolved)
        self.strangers |= links.find(self.links, numbers, self.again, self._outside, known)
        self._meet([*self._around(), *self._young()[-_LAST:]], numbers)
        self._raised, self._returned, self._later, self._inner, self._far = [], [], [], False, False
        self._outer, self._suspicious, self.pins.met = None, False, False

    def _numbers(self) -> dict[int, int]:
        """The number behind each token. Safe by id: the tokens are held in the column meanwhile."""
        numbers: dict[int, int] = {}
        for number, token in self.rows.known_from(self._resolved):
            first = numbers.setdefault(id(token), number)
            if first != number and number >= self._resolved:
                self.again[number] = ("reinit", first)
        return numbers

    def settled(self, value: object) -> object:
        """*value*, which is none of a row's (a default), with what this run knows in the place of every `Link`."""
        return links.settled(value, self._numbers, self.again, self._outside)

    def told(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """*row* with what can be said of every object in it that nobody saw built, if there are any."""
        return tuple([renewed(value, links.told) for value in row]) if self.strangers else row

    def _outside(self, token: object) -> Ref | None:
        """What is behind *token*, where another run built it."""
        if self._outer is None:
            self._outer = living.others(self)
        return self._outer(token)

    def version(self, count: int) -> tuple[int, ...]:
        """Changes whenever what would be read of the first *count* rows changes."""
        facts: tuple[Sized, ...] = (self.outcomes, self.again, self.unbuilt, self.built, self.changed, self.instead)
        return count, self.rows.base, *map(len, facts)

    def number_of_object(self, obj: object) -> int | None:
        """The node that built *obj*."""
        try:
            return self.number_of(ref(obj))
        except TypeError:
            return self.number_of(self.pinned(obj))

    def number_of(self, token: object) -> int | None:
        """The node whose object *token* stands for."""
        if token is None:
            return None
        self.resolve()
        found = self.rows.number_of(token)
        return None if found is None else self.again.get(found, ("", found))[1]
