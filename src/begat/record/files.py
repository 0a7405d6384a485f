"""Files written whole: whoever reads sees the old file or the new one, never half of either."""

from __future__ import annotations

import contextlib
import errno
import os
import stat

_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW


def write(path: str | os.PathLike[str], data: bytes, *, private: bool = True) -> None:
    """
    Make *data* the content of the file *path*, on the disk when this returns.

    Missing folders are made, for the owner alone if *private*, as is a new file; one that exists keeps its mode. A
    symbolic link stays, its target is written. A pipe or device is written to as it is. On failure the old file is as it was and an
    `OSError` names *path*.
    """
    name = os.fspath(path)
    try:
        _write(os.path.realpath(name), data, private)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), name) from error


def prepare(path: str | os.PathLike[str]) -> None:
    """Raise the `OSError` now that writing the file *path* would raise later, as far as one can know; missing folders are made."""
    name = os.fspath(path)
    target = os.path.realpath(name)
    try:
        if os.path.isdir(target):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not os.path.exists(target) or os.path.isfile(target):
            make(os.path.dirname(target), 0o777)
            temporary = _beside(target)
            os.close(os.open(temporary, _NEW, 0o600))
            os.unlink(temporary)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), name) from error


def _write(target: str, data: bytes, private: bool) -> None:
    try:
        found = os.stat(target)
    except FileNotFoundError:
        mode = None
    else:
        if not stat.S_ISREG(found.st_mode):
            _pour(target, data)
            return
        mode = stat.S_IMODE(found.st_mode)
    folder = os.path.dirname(target)
    make(folder, 0o700 if private else 0o777)
    temporary = _beside(target)
    handle = os.open(temporary, _NEW, 0o600 if private or mode is not None else 0o666)
    try:
        try:
            _all(handle, data)
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(handle, mode)
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _settle(folder)


def _beside(target: str) -> str:
    # In the same folder: a rename is one step only within one file system.
    folder, name = os.path.split(target)
    return os.path.join(folder, f".{name[:64]}.{os.urandom(6).hex()}.tmp")


def _pour(target: str, data: bytes) -> None:
    # Without waiting: a pipe that nobody reads would hold the program for ever.
    handle = os.open(target, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        os.set_blocking(handle, True)
        _all(handle, data)
    finally:
        os.close(handle)


def _all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def make(folder: str, mode: int) -> None:
    """Make *folder*, and all that lead to it, with this *mode*, where they are missing."""
    # Not `makedirs`: it gives its mode to the last folder only.
    if not folder or os.path.isdir(folder):
        return
    make(os.path.dirname(folder), mode)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder, mode)


def _settle(folder: str) -> None:
    # The file is in place; a system that cannot sync a folder (Windows, some network disks) is no reason to fail.
    with contextlib.suppress(OSError):
        handle = os.open(folder or ".", os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
