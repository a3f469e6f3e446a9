"""A file that grows, is renamed, replaced and truncated, followed line by line."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from widgets.sources import Position, SourceError

# Bytes that are read at a time; a line longer than this comes in pieces.
CHUNK = 262_144
# So many bytes before the place where we left tell whether it is still the same file there.
MARK = 64
# A file that was renamed is written to until its writer opens the new one; one that was quiet for
# so long, s, is done with.
LINGER = 1.0


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its end, and the place after it: `Place` as a position."""

    text: bytes
    position: Position


@dataclass(frozen=True, slots=True)
class Place:
    """Where we are: in which file since the first one, after how many bytes of it; its device and
    inode, and the check sum and number of the bytes before. An inode is used again, and a file
    that was truncated may have grown beyond where we were: the bytes tell."""

    generation: int
    offset: int
    device: int
    inode: int
    check: int
    marked: int

    @property
    def position(self) -> Position:
        return (
            self.generation, self.offset, self.device, self.inode, self.check, self.marked
        )  # fmt: skip


def opened(path: Path, folders: Sequence[str]) -> int:
    """The file, open for reading; SourceError if it is not in one of the folders, or no file.

    What is looked at is where it really is: a link must not lead out of the folder.
    """
    real = os.path.realpath(path)
    inside = [os.path.realpath(folder) for folder in folders]
    if not any(real.startswith(folder.rstrip("/") + "/") for folder in inside):
        raise SourceError(
            f"{path} is in none of the folders that WATCHWALL_TAIL names"
            if folders
            else "no folder of logs is named; set WATCHWALL_TAIL, such as to /var/log/nginx"
        )
    try:
        # A pipe would be waited for until somebody writes to it.
        file = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise SourceError(f"{path} is no file")
    return file


class Follower:
    """Reads on from a place. `missed`: the file of that place is not to be found any more."""

    def __init__(
        self, path: Path, open_file: Callable[[Path], int], left: Position | None, at_end: bool
    ) -> None:
        self._path = path
        self._open = open_file
        self._file = open_file(path)
        self._quiet = (-1, 0.0)
        self.missed = False
        try:
            self.place = self._first(at_end) if left is None else self._resumed(Place(*left))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        os.close(self._file)

    def _first(self, at_end: bool) -> Place:
        size = os.fstat(self._file).st_size
        return self._at(1, size if at_end else 0)

    def _at(self, generation: int, offset: int) -> Place:
        marked = min(offset, MARK)
        before = os.pread(self._file, marked, offset - marked)
        info = os.fstat(self._file)
        return Place(generation, offset, info.st_dev, info.st_ino, crc32(before), len(before))

    def _resumed(self, left: Place) -> Place:
        if _is_at(self._file, left):
            return left
        if (renamed := self._renamed(left)) is not None:
            os.close(self._file)
            self._file = renamed
            return left
        self.missed = True
        return self._at(left.generation + 1, 0)

    def _renamed(self, left: Place) -> int | None:
        """The file we were in, if it stands beside the new one under a name that begins alike."""
        for found in self._path.parent.glob(f"{_plain(self._path.name)}*"):
            try:
                info = found.stat()
                if (info.st_dev, info.st_ino) != (left.device, left.inode):
                    continue
                file = self._open(found)
            except (OSError, SourceError):
                continue
            if _is_at(file, left):
                return file
            os.close(file)
        return None

    # -- reading -----------------------------------------------------------------------------

    def read(self) -> list[Line]:
        """The lines that have come, a chunk of them at most; nothing if there are none."""
        if not _is_at(self._file, self.place):
            # Truncated in place, to be written from its beginning.
            self.place = self._at(self.place.generation + 1, 0)
        chunk = os.pread(self._file, CHUNK, self.place.offset)
        end = chunk.rfind(b"\n") + 1
        if not end and len(chunk) < CHUNK:
            return self._at_the_end(chunk)
        return self._taken(chunk[: end or CHUNK])

    def _taken(self, chunk: bytes) -> list[Line]:
        lines = []
        for text in _lines(chunk):
            mark = text[-MARK:]
            self.place = Place(
                self.place.generation, self.place.offset + len(text),
                self.place.device, self.place.inode, crc32(mark), len(mark),
            )  # fmt: skip
            lines.append(Line(text.rstrip(b"\r\n"), self.place.position))
        return lines

    def _at_the_end(self, rest: bytes) -> list[Line]:
        """There is no whole line more; whether the file was replaced by another meanwhile."""
        try:
            info = self._path.stat()
        except FileNotFoundError:
            return []
        if (info.st_dev, info.st_ino) == (self.place.device, self.place.inode):
            return []
        now = time.monotonic()
        size, since = self._quiet
        if size != len(rest):
            self._quiet = len(rest), now
        elif now - since >= LINGER:
            return self._go_on(rest)
        return []

    def _go_on(self, rest: bytes) -> list[Line]:
        following = self._open(self._path)
        lines = self._taken(rest) if rest else []
        os.close(self._file)
        self._file = following
        self._quiet = -1, 0.0
        self.place = self._at(self.place.generation + 1, 0)
        return lines


def _is_at(file: int, place: Place) -> bool:
    """Whether the file is the one of the place, and holds what stood before it."""
    info = os.fstat(file)
    if (info.st_dev, info.st_ino) != (place.device, place.inode) or info.st_size < place.offset:
        return False
    return crc32(os.pread(file, place.marked, place.offset - place.marked)) == place.check


def _plain(name: str) -> str:
    """The name for `glob`, in which nothing has a meaning."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in name)


def _lines(chunk: bytes) -> list[bytes]:
    """By line feeds alone: `splitlines` ends a line at a carriage return, too."""
    parts = chunk.split(b"\n")
    ended = [part + b"\n" for part in parts[:-1]]
    return [*ended, parts[-1]] if parts[-1] else ended
