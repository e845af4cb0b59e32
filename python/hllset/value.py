# SPDX-License-Identifier: PostgreSQL
"""Set: a value of the SQL type hllset, in Python."""
from __future__ import annotations

from typing import Any, Iterable, Union

from . import algebra as g
from . import state as h
from .builder import Builder
from .elements import Element

Bytes = Union[bytes, bytearray, memoryview]


class Set:
    """
    A value of the type hllset: made of elements, or read from what a server has sent. It can't be changed.

    Values are equal if their bytes are. `|`, `&`, `-` and `^` (which is `#` in SQL) give the very value that the server gives.
    """

    __slots__ = ('_value', '_bytes')

    def __init__(self, value: g.Value) -> None:
        """For values of hllset.state and hllset.algebra; see the class methods for others."""
        self._value = value
        self._bytes: bytes | None = None

    # ---- From elements ----

    @classmethod
    def empty(cls, precision: int = 12, compact: bool = False) -> Set:
        return cls(Builder(precision, compact).state)

    @classmethod
    def of(cls, *elements: Element | None, precision: int = 12, compact: bool = False) -> Set:
        """The set of elements of any types, made by hllset.elements; None is no element."""
        builder = Builder(precision, compact)
        builder.add(*elements)
        return cls(builder.state)

    @classmethod
    def of_integers(cls, values: Iterable[int | None], precision: int = 12, compact: bool = False) -> Set:
        """The set of what is smallint, integer or bigint in SQL; an array of numpy is fastest."""
        builder = Builder(precision, compact)
        builder.add_integers(values)
        return cls(builder.state)

    @classmethod
    def of_texts(cls, values: Iterable[str | None], precision: int = 12, compact: bool = False) -> Set:
        """The set of what is text in SQL"""
        builder = Builder(precision, compact)
        builder.add_texts(values)
        return cls(builder.state)

    # ---- From and to bytes ----

    @classmethod
    def from_bytes(cls, data: Bytes) -> Set:
        """From what `s::bytea` or COPY BINARY gives. Every bit is checked: what is no value raises FormatError."""
        return cls(g.decode(bytes(memoryview(data))))

    @classmethod
    def from_text(cls, text: str) -> Set:
        """From what a driver gives for a column of type hllset: \\x and hexadecimal digits"""
        if not text.startswith('\\x') or any(c.isspace() for c in text):
            raise h.FormatError('text')
        try:
            return cls.from_bytes(bytes.fromhex(text[2:]))
        except h.FormatError:
            raise
        except ValueError:
            raise h.FormatError('text') from None

    def __bytes__(self) -> bytes:
        if self._bytes is None:
            self._bytes = g.encode(self._value)
        return self._bytes

    def __str__(self) -> str:
        return '\\x' + bytes(self).hex()

    # ---- What it is ----

    @property
    def value(self) -> g.Value:
        """The value as hllset.state and hllset.algebra have it"""
        return self._value

    @property
    def precision(self) -> int:
        return self._value.precision

    @property
    def is_compact(self) -> bool:
        return self._value.compact

    @property
    def kind(self) -> str:
        """As hll_kind: set, expression or sample"""
        return 'set' if isinstance(self._value, h.State) else 'expression' if isinstance(self._value, g.Expression) else 'sample'

    @property
    def is_empty(self) -> bool:
        return g.is_empty(self._value)

    def cardinality(self) -> float:
        """How many elements; of a set only, for those of an expression are counted by the server."""
        if not isinstance(self._value, h.State):
            raise TypeError(f'the value is no set, but of the kind {self.kind}: let the server count it, by hll_cardinality')
        return h.cardinality(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Set):
            return NotImplemented
        return self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        form = ', compact' * self.is_compact
        return f'<hllset.Set of precision {self.precision}{form}' + (f', {self.cardinality():.0f} elements>' if self.kind == 'set' else f', {self.kind}>')

    # ---- Operations ----

    def __or__(self, other: Set) -> Set:
        return self._combined('|', other)

    def __and__(self, other: Set) -> Set:
        return self._combined('&', other)

    def __sub__(self, other: Set) -> Set:
        return self._combined('-', other)

    def __xor__(self, other: Set) -> Set:
        return self._combined('#', other)

    def _combined(self, operation: str, other: Any) -> Set:
        if not isinstance(other, Set):
            return NotImplemented
        return Set(g.combine(operation, self._value, other._value))

    def fold(self, precision: int) -> Set:
        """The same set as it had been built with a smaller precision"""
        if not h.MIN_PRECISION <= precision <= (h.MAX_PRECISION if self.is_empty else self.precision):
            raise ValueError(f'a set of precision {self.precision} can\'t be folded to {precision}')
        return Set(g.fold(self._value, precision))

    def compact(self) -> Set:
        """The same set in the compact form: `s::hllset(p, compact)`"""
        if not isinstance(self._value, h.State):
            raise TypeError(f'the value is no set, but of the kind {self.kind}')
        return Set(h.compact(self._value))

    @classmethod
    def union(cls, sets: Iterable[Set]) -> Set:
        """Of many, as hll_union_agg gives it; the empty set of none"""
        result: Set | None = None
        for each in sets:
            result = each if result is None else result | each
        return cls.empty() if result is None else result
