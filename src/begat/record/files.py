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


def sync(path: str | os.PathLike[str]) -> None:
    """Have on the disk what was written to the file *path*, and that it is there."""
    handle = os.open(path, os.O_WRONLY | _NO_FOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    _settle(os.path.dirname(path))


def prepare(path: str | os.PathLike[str]) -> None:
    """Raise the `OSError` now that writing the file *path* would raise later, as far as one can know; missing folders are made."""
    name = os.fspath(path)
    target = os.path.realpath(name)
    try:
        mode = _mode(target)
        if mode is not None and stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if mode is None or stat.S_ISREG(mode):
            make(os.path.dirname(target), 0o777)
            temporary = _beside(target)
            os.close(os.open(temporary, _NEW, 0o600))
            os.unlink(temporary)
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), name) from error


def _write(target: str, data: bytes, private: bool) -> None:
    mode = _mode(target)
    if mode is not None and not stat.S_ISREG(mode):
        _pour(target, data)
        return
    folder = os.path.dirname(target)
    make(folder, 0o700 if private else 0o777)
    temporary = _beside(target)
    handle = os.open(temporary, _NEW, 0o600 if private or mode is not None else 0o666)
    try:
        try:
            _all(handle, data)
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(handle, stat.S_IMODE(mode))
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    _settle(folder)


def _mode(target: str) -> int | None:
    """The mode of the file *target*, its kind included; None if there is none. A path that is too long is an error here already."""
    try:
        return os.stat(target).st_mode
    except FileNotFoundError:
        return None


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
        taken = os.write(handle, rest)
        if not taken:
            raise OSError(errno.EIO, "the system takes no more bytes")
        rest = rest[taken:]


def make(folder: str, mode: int) -> None:
    """Make *folder*, and all that lead to it, with this *mode*, where they are missing."""
    # Not `makedirs`: it gives its mode to the last folder only.
    missing = []
    while folder and not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    for each in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(each, mode)


def _settle(folder: str) -> None:
    # The file is in place; a system that cannot sync a folder (Windows, some network disks) is no reason to fail.
    with contextlib.suppress(OSError):
        handle = os.open(folder or ".", os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
