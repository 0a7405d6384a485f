"""Files written whole."""

from __future__ import annotations

import errno
import os
import stat
import threading

import pytest

from begat.record import files
from begat.record.files import write

DATA = b"new content"


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def test_a_new_file_is_for_its_owner_alone(tmp_path):
    """A new file has mode 0600 and new folders 0700, whatever the umask."""
    old = os.umask(0)
    try:
        write(tmp_path / "a" / "b" / "run.json", DATA)
    finally:
        os.umask(old)

    assert (tmp_path / "a" / "b" / "run.json").read_bytes() == DATA
    assert [mode(tmp_path / part) for part in ("a", "a/b", "a/b/run.json")] == [0o700, 0o700, 0o600]


def test_an_existing_file_keeps_its_mode(tmp_path):
    """Rewriting a shared file leaves it shared."""
    path = tmp_path / "run.json"
    path.write_bytes(b"old")
    path.chmod(0o644)

    write(path, DATA)

    assert (path.read_bytes(), mode(path)) == (DATA, 0o644)


def test_a_bare_name_is_in_the_present_folder(tmp_path, monkeypatch):
    """A path without a folder, as text, works."""
    monkeypatch.chdir(tmp_path)
    write("run.json", DATA)

    assert os.listdir() == ["run.json"]


def test_a_link_stays_and_its_target_is_written(tmp_path):
    """A symbolic link is followed, a dangling one too."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real" / "run.json")

    write(tmp_path / "link", b"first")
    write(tmp_path / "link", DATA)

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "run.json").read_bytes() == DATA
    assert sorted(os.listdir(tmp_path)) == ["link", "real"]


@pytest.mark.parametrize("step", ["write", "fsync", "fchmod", "replace", "open", "close"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_a_failure_leaves_the_old_file(tmp_path, monkeypatch, step, code):
    """Whatever step fails, the old content is there, nothing else is, and the error names the path."""
    path = tmp_path / "run.json"
    path.write_bytes(b"old")
    path.chmod(0o640)
    real = getattr(os, step)

    def failing(*args, **kwargs):
        if step == "close":
            real(*args, **kwargs)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files.os, step, failing)
    with pytest.raises(OSError, match=r"run\.json") as caught:
        write(path, DATA)
    monkeypatch.undo()

    assert (caught.value.errno, caught.value.filename) == (code, str(path))
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["run.json"]


def test_an_interrupt_leaves_the_old_file(tmp_path, monkeypatch):
    """Ctrl-C in the middle leaves the old content and no temporary file."""
    path = tmp_path / "run.json"
    path.write_bytes(b"old")

    def interrupted(handle):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write(path, DATA)
    monkeypatch.undo()

    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"old", ["run.json"])


def test_short_writes_are_continued(tmp_path, monkeypatch):
    """A system that takes a few bytes at a time still gets all of them."""
    real = os.write
    monkeypatch.setattr(files.os, "write", lambda handle, data: real(handle, data[:3]))
    write(tmp_path / "run.json", DATA)
    monkeypatch.undo()

    assert (tmp_path / "run.json").read_bytes() == DATA


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path, monkeypatch):
    """Once the file is in place it is written, even where folders cannot be opened."""
    real = os.open
    monkeypatch.setattr(
        files.os, "open", lambda path, flags, *rest: real(path, flags, *rest) if flags & os.O_CREAT else _refuse(path)
    )

    write(tmp_path / "run.json", DATA)

    assert (tmp_path / "run.json").read_bytes() == DATA


def _refuse(path):
    raise PermissionError(errno.EACCES, "no", path)


@pytest.mark.parametrize("target", ["folder", "file/below", "x" * 300])
def test_impossible_targets_say_so(tmp_path, target):
    """A folder, a path below a file, a name too long: an OSError with the path as it was given."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_bytes(b"old")

    with pytest.raises(OSError) as caught:
        write(tmp_path / target, DATA)

    assert caught.value.filename == str(tmp_path / target)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_long_name_that_the_system_takes(tmp_path):
    """The temporary name is no longer than the name that was asked for."""
    write(tmp_path / ("x" * 255), DATA)

    assert os.listdir(tmp_path) == ["x" * 255]


def test_a_pipe_is_written_to(tmp_path):
    """A pipe stays a pipe: its reader gets the content; without a reader the program does not hang."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError):
        write(path, DATA)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(path.read_bytes()))
    reader.start()
    while True:
        try:
            write(path, DATA)
        except OSError:
            continue
        break
    reader.join(5)

    assert got == [DATA]
    assert stat.S_ISFIFO(os.stat(path).st_mode)


def test_readers_see_the_old_file_or_the_new(tmp_path):
    """While a file is rewritten again and again, every reader sees one content whole."""
    path = tmp_path / "run.json"
    contents = [b"a" * 200_000, b"b" * 100_000]
    write(path, contents[0])
    stop = threading.Event()
    seen: set[bytes] = set()

    def read():
        while not stop.is_set():
            seen.add(path.read_bytes())

    thread = threading.Thread(target=read)
    thread.start()
    for turn in range(60):
        write(path, contents[turn % 2])
    stop.set()
    thread.join()

    assert seen <= set(contents)
