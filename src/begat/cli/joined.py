"""A Python program that a run has started and that goes on with it: executed by its path, where begat need not be importable."""

from __future__ import annotations

import os
import sys

_HOME = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def _join() -> None:
    from ast import literal_eval

    said = literal_eval(os.environ.pop("BEGAT_GOES_ON"))
    del sys.orig_argv[-len(sys.argv)]  # this file
    try:
        own = sys.path.pop(0)  # the folder of this file, whose names are those of modules of Python's
        sys.path.append(_HOME)
        try:
            from begat.cli import launch
        finally:
            sys.path.pop()
            sys.path.insert(0, own)  # `launch` puts the program's in its place
    except Exception as error:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("default")  # where it is an error, the program has to go on all the same
            warnings.warn(f"begat: what this program builds is not recorded: {error!r}", RuntimeWarning, stacklevel=1)
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606  # the command as it was
    is_module = sys.argv[1] == "-m"
    target, *arguments = sys.argv[2 if is_module else 1 :]
    launch.join(target, is_module, arguments, said)


if __name__ == "__main__":
    _join()
