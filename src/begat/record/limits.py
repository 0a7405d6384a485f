"""How large a record may be. One set for both directions: nothing is written that cannot be read.

What is beyond them is left out by whoever writes, with a mark that says so, and refused by whoever reads.
"""

from __future__ import annotations

import os

NODES = 2_000_000  # in a run and all runs inside it, events among them
HELD = (
    1_200_000  # of a run that is being recorded or read back from journals; of more, some are kept and the rest counted
)
BYTES = 1_000_000_000
JOURNALS = 10_000_000_000  # bytes of the journals of one run
PARTS = 100_000_000  # commas, beginnings of arrays twice and of objects four times, as what is built takes memory
FILLED = 30_000_000  # arguments in the journals of a run: a short line can stand for many that have their defaults
FAMILY = 100  # runs inside runs
PATH = 1_000  # characters of a path that others are made to hang from
TEXT = 16_777_216  # characters of one text
ITEMS = 1_000_000  # of one list, tuple, set or dictionary
ALIKE = (
    1_000  # members of one set, or keys of one dictionary, with the same hash: the time goes with the square of them
)
BITS = 17_200  # of one integer
PATTERN = 10_000  # characters of a regular expression: reading it compiles it

# Of values in values. In JSON each is up to three levels, and orjson writes 254; what is written is at most half as
# deep as what is read.
WRITTEN_DEPTH = 80
READ_DEPTH = 200

MEMORY = "BEGAT_READ_MEMORY"


def memory() -> int:
    """How many megabytes what is read of one record may take, beside its bytes: 2,000, or what the environment says."""
    said = os.environ.get(MEMORY, "")
    return int(said) if said.isdecimal() else 2_000
