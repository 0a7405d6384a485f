"""What ``typing`` puts in the place of a Protocol's ``__init__``: it looks for the next one and makes way for that."""

from __future__ import annotations

import sys
import typing
from types import CodeType, FunctionType

_NAME = "_no_init_or_replace_init"


def is_protocols(found: object) -> bool:
    """Whether *found*, of a class's dictionary, only stands in for the constructor of another class."""
    return type(found) is FunctionType and any(found.__code__ is code for code in protocol_codes())


def protocol_codes() -> list[CodeType]:
    """The code of such functions."""
    modules = (typing, sys.modules.get("typing_extensions"))
    found = (vars(module).get(_NAME) for module in modules if module is not None)
    return [function.__code__ for function in found if type(function) is FunctionType]
