"""A file that lines are appended to, whatever the program does to descriptors, disks and folders meanwhile."""

from __future__ import annotations

import errno
import os
from contextlib import suppress

from begat.record.files import make

_WRITE = (
    os.O_WRONLY | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)
_NEW = _WRITE | os.O_CREAT | os.O_EXCL
_HIGH = 200  # what the program opens has the numbers that it would have without us
_OWED = 64_000_000
# It is not there any more, or was never allowed: no later try will do better.
_GONE = (errno.ENOENT, errno.ESTALE, errno.ENOTDIR, errno.ELOOP, errno.EROFS, errno.EACCES, errno.EPERM, errno.EEXIST)


class File:
    """A new file in *folder*, made by the first `append`, with a name that no other process has."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.name = f"{os.getpid()}-{os.urandom(4).hex()}.jsonl"
        self.made = False
        self.lost = False
        self._handle: int | None = None
        self._identity: tuple[int, int] | None = None
        self._owed = b""  # what the system did not take

    @property
    def path(self) -> str:
        """Where it is."""
        return os.path.join(self.folder, self.name)

    @property
    def owes(self) -> bool:
        """Whether something of what was to be appended is not in the file."""
        return bool(self._owed)

    def append(self, data: bytes) -> None:
        """
        Write *data*, whole lines, and what could not be written before.

        OSError if that cannot be done: it is tried again with the next, unless the file is gone, and then it is `lost`.
        """
        data, self._owed = self._owed + data, b""
        written = 0
        try:
            handle = self._opened()
            while written < len(data):
                written += os.write(handle, memoryview(data)[written:])
        except OSError as error:
            self._owe(data, written, error)
            raise

    def _owe(self, data: bytes, written: int, error: OSError) -> None:
        begin = data.rfind(b"\n", 0, written) + 1
        # Behind half of a line comes a line's end, and the line again.
        self._owed = (b"\n" if begin < written else b"") + data[begin:]
        if error.errno in _GONE or len(self._owed) > _OWED:
            self.lost, self._owed = True, b""
            self.close()

    def _opened(self) -> int:
        """The descriptor, if it still is this file's: the program may have closed it, and then the number is another's."""
        if self._handle is not None:
            try:
                found = os.fstat(self._handle)
            except OSError:
                self._handle = None
            else:
                if (found.st_dev, found.st_ino) == self._identity:
                    if found.st_nlink == 0:
                        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.path)
                    return self._handle
                self._handle = None
        handle = _high(os.open(self.path, _WRITE, 0o600) if self.made else self._new())
        status = os.fstat(handle)
        if self._identity is None:
            self._identity = status.st_dev, status.st_ino
        elif (status.st_dev, status.st_ino) != self._identity:
            os.close(handle)
            raise FileNotFoundError(errno.ENOENT, "it is another file now", self.path)
        self._handle, self.made = handle, True
        return handle

    def _new(self) -> int:
        """The descriptor of a new file. Another run that ends in the same place removes the folder while it is empty."""
        for _ in range(10):
            make(self.folder, 0o700)
            with suppress(FileNotFoundError):
                return os.open(self.path, _NEW, 0o600)
        return os.open(self.path, _NEW, 0o600)

    def close(self) -> None:
        """Give the descriptor back, if it still is this file's."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        with suppress(OSError):
            status = os.fstat(handle)
            if (status.st_dev, status.st_ino) == self._identity:
                os.close(handle)

    def remove(self) -> None:
        """The file is not needed any more."""
        self.close()
        if self.made:
            with suppress(OSError):
                os.unlink(self.path)


def _high(handle: int) -> int:
    """The same file under a high number."""
    try:
        from fcntl import F_DUPFD_CLOEXEC, fcntl
    except ImportError:
        return handle
    try:
        higher = fcntl(handle, F_DUPFD_CLOEXEC, _HIGH)
    except OSError:  # so many are not allowed
        return handle
    os.close(handle)
    return higher
