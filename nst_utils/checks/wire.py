"""Plain values as text, and back: what a check and the student's function may say to each other.

Numbers, texts, arrays, lists and dictionaries with texts as keys; nothing else, and no pickle. An array travels as its
type, its shape and its raw bytes. What comes back from a student's process is only believed to be text: reading it
builds no object but these, and takes no more memory than its length allows.
"""

import base64
import binascii
import json
import math
from typing import Any

import numpy as np

from nst_utils.base.types import Array

# Bytes of a whole message, and the values in it: an empty list takes 3 bytes here, and 60 when it has been read.
LARGEST = 64_000_000
_MOST_PARTS = 500_000
_TYPES = ("<f4", "<f8", "<i4", "<i8", "|b1")
_DEEPEST = 12
_ARRAY = "$array"


class Malformed(ValueError):
    """A message that is not what it should be."""


def encode(value: Any) -> str:
    """Plain values as text; a tuple becomes a list. Raises TypeError for anything else."""
    return json.dumps(_packed(value), separators=(",", ":"))


def decode(text: str) -> Any:
    """The values that a text stands for. Raises Malformed for any text that encode() does not write."""
    if not isinstance(text, str) or len(text) > LARGEST:
        raise Malformed(f"A message is a text of up to {LARGEST} characters.")
    if sum(map(text.count, ",[{")) > _MOST_PARTS:
        raise Malformed(f"A message has up to {_MOST_PARTS} parts.")
    try:
        return _unpacked(json.loads(text), _DEEPEST)
    except Malformed:
        raise
    except (ValueError, TypeError, RecursionError, OverflowError, MemoryError) as error:
        raise Malformed(f"This is no message: {type(error).__name__}.") from None


def _packed(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        if array.dtype.newbyteorder("<").str not in _TYPES:
            raise TypeError(f"An array of type {array.dtype} cannot be sent.")
        array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"))).reshape(array.shape)
        return {_ARRAY: [array.dtype.str, list(array.shape), base64.b64encode(array.tobytes()).decode()]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return [_packed(each) for each in value]
    if isinstance(value, dict):
        if not all(isinstance(key, str) and key != _ARRAY for key in value):
            raise TypeError("The keys of a message are texts.")
        return {key: _packed(each) for key, each in value.items()}
    raise TypeError(f"An object of type {type(value).__name__} cannot be sent.")


def _unpacked(value: Any, depth: int) -> Any:
    if depth < 0:
        raise Malformed("A message is not nested so deeply.")
    if isinstance(value, list):
        return [_unpacked(each, depth - 1) for each in value]
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return _array(*value[_ARRAY])
        return {key: _unpacked(each, depth - 1) for key, each in value.items()}
    return value


def _array(kind: Any, shape: Any, data: Any) -> Array:
    if kind not in _TYPES or not isinstance(data, str):
        raise Malformed("An array is of another type.")
    if not (isinstance(shape, list) and len(shape) <= 8 and all(type(n) is int and 0 <= n < 2**40 for n in shape)):
        raise Malformed("An array has another shape.")
    try:
        raw = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("The bytes of an array cannot be read.") from None
    dtype = np.dtype(kind)
    if len(raw) != math.prod(shape) * dtype.itemsize:
        raise Malformed("An array has another number of bytes than its shape.")
    return np.frombuffer(raw, dtype).reshape(shape).copy()
