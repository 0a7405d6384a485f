"""How much a record would become, told from its bytes: what is beyond the limits is refused before anything is made of it."""

from __future__ import annotations

from collections.abc import Iterable

from begat.record import limits
from begat.record.decoding import ROOM, Malformed

_CALL = b'"arguments"'  # every node and event has it
_OBJECT = 4  # times as much memory as a number in a list
_SMALL = 1 << 20


def weigh(blocks: Iterable[bytes]) -> None:
    """
    Raise `Malformed` if the JSON in *blocks* is beyond the limits on nodes and parts.

    Counted is what stands there, in texts too: whoever writes counts the same. What is spelt so that it is not counted is
    found later, and the number of parts bounds what that costs.
    """
    calls = parts = 0
    tail = b""
    for block in blocks:
        calls += block.count(_CALL) + (tail + block[: len(_CALL) - 1]).count(_CALL)
        tail = block[1 - len(_CALL) :]
        if calls > limits.NODES:
            raise Malformed(f"more than {limits.NODES:,} nodes")
        parts += block.count(b",") + 2 * block.count(b"[") + _OBJECT * block.count(b"{")
        if parts > limits.PARTS:
            raise Malformed(f"more than {limits.PARTS // 2:,} values")


def is_light(size: int) -> bool:
    """Whether so many bytes cannot be beyond the limits, whatever they say."""
    return size <= min(limits.PARTS // _OBJECT, limits.NODES * len(_CALL))


def spare(text: bytes) -> None:
    """`Malformed` if there is no room for the tree of the JSON *text*."""
    if len(text) > _SMALL:
        parts = 30 * text.count(b",") + 150 * (text.count(b"[") + text.count(b"{")) + 30 * text.count(b":")
        ROOM.check(parts + 3 * len(text))
