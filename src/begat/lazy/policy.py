"""Random numbers: a constructor that draws some late draws other ones, and so does everything after it. What to do about it.

``order`` builds what was called earlier by the same rule first, so that constructors draw in the order of the calls. ``keyed`` gives
every construction seeds of its own, made from one number that each generator draws when the rule begins (as torch's data
loader has it for its workers), what it is and how many like it came before, and puts the generators back as they were:
what an object draws does not depend on when it is built.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

POLICIES = ("order", "keyed")


def key(*parts: object) -> int:
    """A seed of 32 bits made from *parts*, the same in every process."""
    text = "\0".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4], "big")


def bases() -> dict[str, int]:
    """A number drawn from each of the usual generators (random, numpy, torch: those imported)."""
    return {
        name: draw(module) for name, (draw, _) in _GENERATORS.items() if (module := sys.modules.get(name)) is not None
    }


@dataclass(frozen=True, slots=True)
class Seed:
    """The seeds of one construction: the *number*-th of *target* by a rule whose generators drew *bases*."""

    bases: dict[str, int]
    target: str
    number: int

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The generators seeded, and afterwards as they were."""
        undo: list[Callable[[], object]] = []
        try:
            for name, (_, turn) in _GENERATORS.items():
                module: Any = sys.modules.get(name)
                if module is not None:
                    undo.append(turn(module, key(self.bases.get(name, 0), self.target, self.number)))
            yield
        finally:
            for restore in undo:
                restore()


def _random(module: Any, seed: int) -> Callable[[], object]:
    state = module.getstate()
    module.seed(seed)
    return lambda: module.setstate(state)


def _numpy(module: Any, seed: int) -> Callable[[], object]:
    # The generator behind the functions, and not `seed`: seeding functions are recorded.
    state = module.get_state()
    module.mtrand._rand._bit_generator._legacy_seeding(seed)
    return lambda: module.set_state(state)


def _torch(module: Any, seed: int) -> Callable[[], object]:
    state = module.default_generator.get_state()
    module.default_generator.manual_seed(seed)
    if not module.cuda.is_initialized():
        return lambda: module.default_generator.set_state(state)
    devices = module.cuda.get_rng_state_all()
    for generator in module.cuda.default_generators:
        generator.manual_seed(seed)

    def restore() -> None:
        module.default_generator.set_state(state)
        module.cuda.set_rng_state_all(devices)

    return restore


def _drawn(torch: Any) -> int:
    return int(torch.empty((), dtype=torch.int64, device="cpu").random_(generator=torch.default_generator).item())


_GENERATORS: dict[str, tuple[Callable[[Any], int], Callable[[Any, int], Callable[[], object]]]] = {
    "random": (lambda module: int(module.getrandbits(32)), _random),
    "numpy.random": (lambda module: int(module.mtrand._rand.randint(2**31)), _numpy),
    "torch": (_drawn, _torch),
}
