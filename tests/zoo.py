"""The zoo: one class of every shape that Python allows. Every law about tracking holds for every animal in it."""

from __future__ import annotations

import importlib
import sys

from zoo_support.animal import ANIMALS, Animal, Call

for _house in ("signatures", "bodies", "families", "inheritance", "wrapped", "metaclasses"):
    importlib.import_module(f"zoo_support.{_house}")
if sys.version_info >= (3, 12):
    importlib.import_module("zoo_support.pep695")

TRACKABLE = [animal for animal in ANIMALS if animal.tracked]
TOUCHABLE = [animal for animal in ANIMALS if animal.tracked is not False]
REFUSED = [animal for animal in ANIMALS if animal.tracked is False]

__all__ = ["ANIMALS", "REFUSED", "TOUCHABLE", "TRACKABLE", "Animal", "Call"]
