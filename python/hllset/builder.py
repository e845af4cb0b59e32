# SPDX-License-Identifier: PostgreSQL
"""Builder: a set to which many elements are added. It uses numpy where that is installed, and gives the same bytes without."""
from __future__ import annotations

from operator import index
from typing import Any, Iterable, Sequence

import xxhash

from . import state as h
from .elements import FAMILIES, Element, integer

try:
    import numpy
    from . import bulk
    HAS_NUMPY = True
except ImportError:
    HAS_NUMPY = False

INTEGER, FLOAT, TEXT = (FAMILIES.index(name) + 1 for name in ('integer', 'float', 'text'))
MOST_PENDING = 4096
INT64 = range(-2 ** 63, 2 ** 63)


class Builder:
    """
    Collects elements; `state` gives the set of those that have come so far. None is no element, as NULL is none.

    An element's type is part of it, as on the server: add_integers adds what smallint, integer and bigint are there, add_texts what text is.
    Other types are made by hllset.elements.
    """

    def __init__(self, precision: int = 12, compact: bool = False, use_numpy: bool = True) -> None:
        if not h.MIN_PRECISION <= precision <= h.MAX_PRECISION:
            raise ValueError(f'the precision must be between {h.MIN_PRECISION} and {h.MAX_PRECISION}, not {precision}')
        self._precision, self._compact = precision, compact
        self._pending: list[int] = []  # hashes
        self._grower = bulk.Grower(precision, compact) if HAS_NUMPY and use_numpy else None
        self._state = h.build((), precision, compact)

    def add(self, *elements: Element | None) -> None:
        """Elements of any types, made by hllset.elements"""
        self._note(element.hash for element in elements if element is not None)

    def add_integers(self, values: Iterable[int | None]) -> None:
        """What is smallint, integer or bigint in SQL: an array of numpy, or anything that gives integers"""
        if self._grower is not None:
            self._grower.add_words(integers_as_array(values).view(numpy.uint64), INTEGER)
        else:
            self._note(integer(value).hash for value in checked_integers(values))

    def add_floats(self, values: Iterable[float | None]) -> None:
        """What is double precision or real in SQL"""
        from .elements import double
        self._note(double(checked(value, (float, int))).hash for value in values if value is not None)

    def add_texts(self, values: Iterable[str | None]) -> None:
        """What is text, varchar or name in SQL"""
        digest = xxhash.xxh3_64_intdigest
        self._note(digest(checked(value, (str,)).encode(), seed=TEXT) for value in values if value is not None)

    def add_hashes(self, hashes: Iterable[int]) -> None:
        """64-bit hashes, as hll_hash(x) gives them on the server: an array of numpy of type uint64, or anything that gives integers"""
        if self._grower is not None and isinstance(hashes, numpy.ndarray):
            if hashes.dtype != numpy.uint64:
                raise TypeError(f'hashes must be of type uint64, not {hashes.dtype}')
            self._grower.add_hashes(hashes)
        else:
            self._note(map(checked_hash, hashes))

    def _note(self, hashes: Iterable[int]) -> None:
        for hash64 in hashes:
            self._pending.append(hash64)
            if len(self._pending) >= MOST_PENDING:
                self._settle()

    def add_state(self, state: h.State) -> None:
        """All elements of a set, whose precision must not be smaller than this one's"""
        if h.is_empty(state):
            return
        if state.precision < self._precision or state.compact and not self._compact:
            raise ValueError(f'a set of precision {state.precision}{", compact," * state.compact} has not what this one has to keep')
        state = h.fold(state, self._precision)
        state = h.compact(state) if self._compact else state
        if self._grower is not None:
            self._grower.add_state(state)
        else:
            self._state = h.union(self._state, state)

    def _settle(self) -> None:
        pending, self._pending = self._pending, []
        if self._grower is not None:
            self._grower.add_hashes(numpy.array(pending, numpy.uint64))
        else:
            old = self._state
            self._state = h.settle(old.precision, old.compact, old.level0, old.planes, [*old.tokens, *map(h.coupon, pending)])

    @property
    def state(self) -> h.State:
        self._settle()
        return self._grower.state() if self._grower is not None else self._state


def other_element(value: object) -> TypeError:
    return TypeError(f'{value!r} is of type {type(value).__name__}, which is another element on the server')


def checked(value: Any, types: tuple[type, ...]) -> Any:
    if not isinstance(value, types) or isinstance(value, bool):
        raise other_element(value)
    return value


def checked_hash(value: int) -> int:
    number = index(value)
    if not 0 <= number < 2 ** 64:
        raise ValueError(f'{value} is no hash of 64 bits')
    return number


def checked_integers(values: Iterable[int | None]) -> Iterable[int]:
    for value in values:
        if value is not None:
            if not hasattr(value, '__index__') or isinstance(value, bool):
                raise other_element(value)
            number = index(value)
            if number not in INT64:
                raise ValueError(f'{value} is beyond bigint: use hllset.elements.numeric')
            yield number


def integers_as_array(values: Any) -> Any:
    """As int64; what is no integer is refused, never rounded."""
    if hasattr(values, '__array__'):
        array = numpy.asarray(values)
        if array.dtype.kind == 'i' or array.dtype.kind == 'u' and (array.dtype.itemsize < 8 or not (array >> numpy.uint64(63)).any()):
            return numpy.ascontiguousarray(array, numpy.int64).reshape(-1)
        if array.dtype.kind == 'u':
            raise ValueError('an integer is beyond bigint: use hllset.elements.numeric')
        if array.dtype.kind != 'O':
            raise TypeError(f'an array of type {array.dtype} has no integers: it would be other elements on the server')
        values = array.reshape(-1).tolist()
    if isinstance(values, range):
        return numpy.arange(values.start, values.stop, values.step, numpy.int64)
    values = values if isinstance(values, Sequence) else list(values)
    if set(map(type, values)) <= {int} and (not values or min(values) in INT64 and max(values) in INT64):
        return numpy.array(values, numpy.int64)
    return numpy.array(list(checked_integers(values)), numpy.int64)
