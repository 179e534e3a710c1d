"""Reading MATLAB's files of version 5 (.mat), no further than a network needs, whoever made them.

The format is that of MathWorks' "MAT-File Format" (2018). SciPy reads all of it, but some damaged files end the process
there, and others take as much memory as they claim. Here a length is only believed when so many bytes have come.
"""

import io
import math
import os
import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nst_utils.base.types import AnyPath, Array

# What a variable may unpack to, which the format cannot exceed; and an array, eight times VGG-19's largest kernel.
MOST_UNPACKED, MOST_ARRAY = 1 << 31, 76_000_000
# More layers than any network of this kind, and more fields than any of them has.
MOST_PARTS = 1000
_NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHARACTERS, _FIRST_NUMBERS, _LAST_NUMBERS, _OPAQUE = 1, 2, 4, 6, 15, 17


class Version73(ValueError):
    """A file of version 7.3, which is an HDF5 file."""


class NotStructs(ValueError):
    """The variable is there, and something else than a cell of structs."""


def read_structs(path: AnyPath, variable: str, fields: Collection[str]) -> list[dict[str, Any]] | None:
    """The structs in a variable that is a cell of them, of each the fields asked for; None without such a variable.

    A field is text, an array, a list of arrays where it is a cell, or None where it is anything else, or larger than
    MOST_ARRAY. Raises ValueError, zlib.error, EOFError or OSError for a damaged file; NotStructs or Version73 for
    another one.
    """
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(128)
        orders = {b"IM": "<", b"MI": ">"}
        if len(head) < 128 or head[126:] not in orders:
            raise ValueError("it has no header")
        order = orders[head[126:]]
        (version,) = struct.unpack(order + "H", head[124:126])
        if version == 0x0200:
            raise Version73
        at = 128
        while at < size:
            file.seek(at)
            kind, length = struct.unpack(order + "II", _exactly(file, 8))
            if kind not in (_MATRIX, _COMPRESSED) or at + 8 + length > size:
                raise ValueError("it ends too soon, or is none")
            packed = kind == _COMPRESSED
            if not packed:
                file.seek(at)
            source: Any = io.BufferedReader(_Unpacked(file, length), 1 << 16) if packed else file
            reader = _Reader(source, order, packed)
            matrix = reader.matrix()
            if matrix.name == variable:
                found = reader.structs(matrix, fields)
                if packed:  # to the end, where the checksum is
                    while source.read(1 << 16):
                        pass
                return found
            at += 8 + length
    return None


@dataclass(frozen=True)
class _Matrix:
    """What the beginning of a matrix tells of it: its kind, shape and name, and where it ends."""

    kind: int
    shape: tuple[int, ...]
    name: str
    end: int
    complex: bool = False

    @property
    def parts(self) -> int:
        """How many cells, or structs, it has."""
        count = math.prod(self.shape)
        if count > MOST_PARTS:
            raise NotStructs(f"it has {count} parts")
        return count


class _Reader:
    """Reads one element after the other, and counts the bytes."""

    def __init__(self, source: BinaryIO, order: str, packed: bool) -> None:
        self._source, self._order, self._packed, self._at = source, order, packed, 0

    def matrix(self) -> _Matrix:
        """The beginning of the next matrix."""
        kind, length = struct.unpack(self._order + "II", self._take(8))
        end = self._at + length
        if kind != _MATRIX:
            raise ValueError("a matrix is missing")
        if not length:
            return _Matrix(0, (0, 0), "", end)
        word = self._word(8)
        if word & 0xFF == _OPAQUE:
            return _Matrix(_OPAQUE, (), "", end)
        _, sides = self._data(4 * 32)
        shape = tuple(np.frombuffer(sides, self._order + "i4").tolist())
        if len(shape) < 2 or min(shape) < 0:
            raise ValueError(f"it has the shape {shape}")
        return _Matrix(word & 0xFF, shape, bytes(self._data(256)[1]).decode("latin-1"), end, bool(word & 0x800))

    def structs(self, matrix: _Matrix, fields: Collection[str]) -> list[dict[str, Any]]:
        """The structs in a cell of them."""
        if matrix.kind != _CELL:
            raise NotStructs("it is no cell")
        found = [self._struct(self.matrix(), fields) for _ in range(matrix.parts)]
        self._go_to(matrix.end)
        return found

    def _struct(self, matrix: _Matrix, fields: Collection[str]) -> dict[str, Any]:
        """The fields of a struct, the first one where it has several."""
        if matrix.kind != _STRUCT or not matrix.parts:
            raise NotStructs("a layer is no struct")
        length = self._word(4)
        content = bytes(self._data(64 * MOST_PARTS)[1])
        if not 1 <= length <= 64 or len(content) % length or len(content) // length > MOST_PARTS:
            raise ValueError("the names of its fields are damaged")
        found: dict[str, Any] = {}
        for at in range(0, len(content), length):
            name = content[at : at + length].partition(b"\0")[0].decode("latin-1")
            part = self.matrix()
            if name in fields:
                found[name] = self._field(part)
            self._go_to(part.end)
        self._go_to(matrix.end)
        return found

    def _field(self, matrix: _Matrix) -> Any:
        if matrix.kind == _CELL:
            cells = []
            for _ in range(matrix.parts):
                part = self.matrix()
                cells.append(self._array(part))
                self._go_to(part.end)
            return cells
        return self._text() if matrix.kind == _CHARACTERS else self._array(matrix)

    def _text(self) -> str:
        kind, content = self._data(4 * MOST_PARTS)
        if kind not in _TEXTS:
            raise ValueError("a text is damaged")
        coding = _TEXTS[kind]
        wide = ("-le" if self._order == "<" else "-be") if coding in ("utf-16", "utf-32") else ""
        return bytes(content).decode(coding + wide)

    def _array(self, matrix: _Matrix) -> Array | None:
        """The numbers of a matrix; None where it holds none, or too many."""
        numbers = _FIRST_NUMBERS <= matrix.kind <= _LAST_NUMBERS and not matrix.complex
        if not numbers or math.prod(matrix.shape) * 8 > 2 * MOST_ARRAY:
            return None
        kind, content = self._data(MOST_ARRAY)
        if kind not in _NUMBERS:
            raise ValueError("an array is damaged")
        return np.frombuffer(content, self._order + _NUMBERS[kind]).reshape(matrix.shape, order="F")

    def _data(self, most: int) -> tuple[int, bytearray | memoryview]:
        """The kind and the content of the next element, which is no matrix."""
        head = self._take(8)
        word, length = struct.unpack(self._order + "II", head)
        if word >> 16:  # four bytes at most come in their own head
            if word >> 16 > 4:
                raise ValueError("a short element is damaged")
            return word & 0xFFFF, head[4 : 4 + (word >> 16)]
        if length > most:
            raise ValueError(f"an element has {length} bytes")
        content = self._take(length)
        self._take(-length % 8)
        return word, content

    def _word(self, most: int) -> int:
        """The number that the next element begins with."""
        _, content = self._data(most)
        if len(content) < 4:
            raise ValueError("a number is missing")
        return int.from_bytes(content[:4], "little" if self._order == "<" else "big")

    def _take(self, count: int) -> bytearray | memoryview:
        self._at += count
        return _exactly(self._source, count)

    def _go_to(self, place: int) -> None:
        if place < self._at:
            raise ValueError("a part is longer than the whole")
        if not self._packed:
            self._source.seek(place - self._at, os.SEEK_CUR)
            self._at = place
        while self._at < place:
            self._take(min(place - self._at, 1 << 16))


class _Unpacked(io.RawIOBase):
    """The content of so many compressed bytes of a file."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self._file, self._left, self._given = file, length, 0
        self._inflate = zlib.decompressobj()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail
            if not packed:
                packed = self._file.read(min(self._left, 1 << 16))
                self._left -= len(packed)
            if not packed:
                raise EOFError("it ends too soon")
            piece = self._inflate.decompress(packed, len(buffer))
            if piece:
                buffer[: len(piece)] = piece
                self._given += len(piece)
                if self._given > MOST_UNPACKED:
                    raise ValueError("it unpacks to more than the format can hold")
                return len(piece)
        return 0


def _exactly(source: BinaryIO, count: int) -> bytearray | memoryview:
    """So many bytes. Room for many of them is NumPy's, which takes none before it is filled."""
    found = bytearray(count) if count < 1 << 20 else np.empty(count, np.uint8).data
    view, at = memoryview(found), 0
    while at < count:
        more = source.readinto(view[at:])  # type: ignore[attr-defined]
        if not more:
            raise EOFError("it ends too soon")
        at += more
    return found
