"""The bytes of a landing file: gzip that may break off, and physical lines.

Belongs here: turning a stream into bytes and lines without losing what came before a fault.
Does not belong here: what a line means (one module a file format).
"""

from __future__ import annotations

import codecs
import contextlib
import io
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO

from resources.landing.payloads import Unreadable, shown

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_COMPRESSED_CHUNK = 16_384
_TEXT_CHUNK = 1 << 20
_GZIP = 31  # zlib's window bits for the largest window with a gzip header and trailer


class GzipInput(io.RawIOBase):
    """The decompressed bytes of a gzip stream, ending where it can't be read any further.

    Unlike `gzip.GzipFile` it gives every byte before a fault and does not raise: after the
    end, `fault` is None or the reason why there is no more.
    """

    def __init__(self, stream: BinaryIO) -> None:
        """Reads `stream` from where it stands; leaves closing it to its owner."""
        self.fault: str | None = None
        self._stream = stream
        self._member: zlib._Decompress | None = None
        self._compressed = b""
        self._ready = b""
        self._members_done = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Fills `buffer` as far as one step goes; 0 at the end."""
        view = memoryview(buffer).cast("B")
        while not self._ready and self.fault is None and self._step(len(view)):
            pass
        given = self._ready[: len(view)]
        self._ready = self._ready[len(view) :]
        view[: len(given)] = given
        return len(given)

    def _step(self, size: int) -> bool:
        """Decompresses up to `size` bytes into `_ready`; False at the end."""
        if not self._compressed:
            self._compressed = self._stream.read(_COMPRESSED_CHUNK)
            if not self._compressed:
                self._end()
                return False
        if self._member is None:
            # Between members padding with zeros is allowed, as on tapes.
            if self._members_done:
                self._compressed = self._compressed.lstrip(b"\0")
            if not self._compressed:
                return True
            self._member = zlib.decompressobj(_GZIP)
        before = self._member.copy()
        try:
            self._ready = self._member.decompress(self._compressed, size)
        except zlib.error as error:
            self._ready = _decompressed_until_fault(before, self._compressed)
            self.fault = (
                f"broken_gzip: {error}; what came before is kept, have the file delivered again"
            )
            return False
        if self._member.eof:
            self._compressed = self._member.unused_data
            self._member = None
            self._members_done += 1
        else:
            self._compressed = self._member.unconsumed_tail
        return True

    def _end(self) -> None:
        if self._member is not None:
            self._ready = self._member.flush()
        elif self._members_done:
            return
        self.fault = (
            "truncated_gzip: the file ends before its gzip data does; what came before is kept, "
            "the file may still be written, read it again when it is whole"
        )


def _decompressed_until_fault(member: zlib._Decompress, compressed: bytes) -> bytes:
    # zlib drops what it made in the call that fails, so go up to the fault byte by byte.
    out = bytearray()
    with contextlib.suppress(zlib.error):
        for at in range(len(compressed)):
            out += member.decompress(compressed[at : at + 1])
    return bytes(out)


class LandingBytes:
    """A landing file's bytes, once: as `lines()` or as `whole()`.

    Afterwards `fault()` is what remains to be reported of a gzip stream that broke.
    """

    def __init__(self, stream: BinaryIO, zipped: bool) -> None:
        """Reads `stream` from where it stands, decompressing it if `zipped`."""
        self._gzip = GzipInput(stream) if zipped else None
        self._stream = stream if self._gzip is None else io.BufferedReader(self._gzip, 131_072)
        self._next_line = 1
        self._cut_line = b""

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Each physical line with its ending, and its 1-based number; without the BOM.

        A line within which a gzip stream breaks off is kept back for `fault()`: half a csv
        row can look like a whole one.
        """
        for number, line in enumerate(self._stream, 1):
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            if self._gzip is not None and line[-1:] != b"\n" and self._gzip.fault:
                self._cut_line = line
                return
            self._next_line = number + 1
            yield number, line

    def whole(self) -> bytearray:
        """The whole file, held once; without the BOM."""
        data = bytearray()
        while chunk := self._stream.read(_TEXT_CHUNK):
            data += chunk
        if data.startswith(codecs.BOM_UTF8):
            del data[: len(codecs.BOM_UTF8)]
        return data

    @property
    def gzip_fault(self) -> str | None:
        """Why the gzip stream broke off, once everything before has been read."""
        return self._gzip.fault if self._gzip is not None else None

    def fault(self) -> Iterator[Unreadable]:
        """The line cut by a fault, or the mere fact of it."""
        if self.gzip_fault is not None:
            yield Unreadable(self._next_line, self.gzip_fault, shown(self._cut_line))
