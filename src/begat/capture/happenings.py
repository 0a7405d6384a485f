"""What happened to calls after their rows were written: they waited, were built, went on with other arguments, or became others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

from begat.capture import links
from begat.intercept.hooks import renewed
from begat.intercept.interceptor import Built, Call, Changed, Instead, Pin, Returned
from begat.introspect.describe import Link
from begat.introspect.targets import name_of

if TYPE_CHECKING:
    from begat.capture.recorder import Recorder

_TOKENS = (ref, Pin, Call)  # an event that is one says that its call waits


def noted(recorder: Recorder, event: Any, numbers: dict[int, int]) -> None:
    """Put *event* where *recorder* keeps such; *numbers* are those of the rows, by the id of the token."""
    waits = type(event) in _TOKENS
    number = numbers.get(id(event if waits else event.token))
    if number is None:
        return
    if waits:
        recorder.unbuilt.add(number)
    elif type(event) is Built:
        _built(recorder, event, number)
    elif type(event) is Changed:
        known = recorder.changed.setdefault(number, {})
        for name, (value, source) in event.arguments.items():
            known[name] = renewed(value, lambda part: _settled(recorder, part, numbers)), source
    else:
        _instead(recorder, event, number, numbers)


def _settled(recorder: Recorder, part: object, numbers: dict[int, int]) -> object:
    return links.known(part, numbers, recorder.again, recorder._outside) if type(part) is Link else part


def _built(recorder: Recorder, event: Built, number: int) -> None:
    recorder.built[number] = event
    if event.error is None:
        recorder.unbuilt.discard(number)
        recorder.outcomes.pop(number, None)
    else:
        recorder.outcomes[number] = name_of(event.error)


def _instead(recorder: Recorder, event: Instead, number: int, numbers: dict[int, int]) -> None:
    later = [row for row, what in recorder.again.items() if what == ("reinit", number)]
    if later:
        row = max(later)
        del recorder.again[row]
        recorder.again[number] = ("continued", row)
        recorder.moved[row] = number
        if number in recorder.changed:
            recorder.changed[row] = recorder.changed.pop(number)
        numbers[id(event.token)] = number = row
    recorder.instead[number] = event


def identified(recorder: Recorder, returned: Returned, numbers: dict[int, int]) -> None:
    """The call of *token* made, or only handed out, the object of *identity*."""
    call = numbers.get(id(returned.token))
    if call is None:
        return
    kind = recorder.rows.schema(call).kind
    earlier = numbers.get(id(returned.identity))
    if earlier is not None and earlier < call:
        if kind == "class":
            recorder.again[call] = ("reused", earlier)
        numbers[id(returned.token)] = earlier
        recorder.rows.identify(call, None)
        return
    if earlier is not None and kind == "class" and _place(recorder, earlier) == _place(recorder, call):
        recorder.again[earlier] = ("continued", call)  # __new__ returned it to the same call, which went on to __init__
    if earlier is not None:  # built inside the call: from outside, the object is what the call returned
        recorder.rows.identify(earlier, None)
    recorder.rows.identify(call, returned.identity)
    numbers[id(returned.identity)] = call


def _place(recorder: Recorder, number: int) -> tuple[int, int] | None:
    """Where row *number* was called; None if it is gone."""
    if number not in recorder.rows:
        return None
    row = recorder.rows.row(number)
    return id(row.code), row.lasti
