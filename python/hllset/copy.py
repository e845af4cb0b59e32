# SPDX-License-Identifier: PostgreSQL
"""CopyWriter: rows with sets, in the form that COPY ... FROM STDIN (FORMAT binary) reads."""
from __future__ import annotations

import datetime
import struct
from types import TracebackType
from typing import IO, Any, Callable
from uuid import UUID

from .value import Set

SIGNATURE = b'PGCOPY\n\xff\r\n\0' + bytes(8)
EPOCH = datetime.date(2000, 1, 1)
INSTANT = datetime.datetime(2000, 1, 1)
MICROSECOND = datetime.timedelta(microseconds=1)


def date_bytes(value: datetime.date) -> bytes:
    if isinstance(value, datetime.datetime) or not isinstance(value, datetime.date):
        raise TypeError(f'{value!r} is no date')
    return struct.pack('>i', (value - EPOCH).days)


def timestamp_bytes(value: datetime.datetime) -> bytes:
    if value.tzinfo is not None:
        raise TypeError('a timestamp has no time zone')
    return struct.pack('>q', (value - INSTANT) // MICROSECOND)


def timestamptz_bytes(value: datetime.datetime) -> bytes:
    if value.tzinfo is None:
        raise TypeError('a timestamptz needs a time zone')
    return struct.pack('>q', (value - INSTANT.replace(tzinfo=datetime.timezone.utc)) // MICROSECOND)


def uuid_bytes(value: UUID) -> bytes:
    return value.bytes


def integer_bytes(form: str) -> Callable[[Any], bytes]:
    return lambda value: struct.pack(form, value)


def set_bytes(value: Set | bytes) -> bytes:
    return bytes(value if isinstance(value, Set) else Set.from_bytes(value))


ENCODERS: dict[str, Callable[[Any], bytes]] = {
    'smallint': integer_bytes('>h'),
    'integer': integer_bytes('>i'),
    'bigint': integer_bytes('>q'),
    'double precision': lambda value: struct.pack('>d', value),
    'boolean': lambda value: struct.pack('?', value),
    'text': lambda value: str.encode(value),
    'bytea': bytes,
    'date': date_bytes,
    'timestamp': timestamp_bytes,
    'timestamptz': timestamptz_bytes,
    'uuid': uuid_bytes,
    'hllset': set_bytes,
}


class CopyWriter:
    """
    Writes rows to a file: `with CopyWriter(file, 'date', 'text', 'hllset') as rows: rows.write(day, site, users)`.

    The columns are those of the COPY statement, of the types in ENCODERS. The server does not convert them: they must be the types of the table's columns.
    The text must be in the encoding of the client, which is UTF8 here.
    """

    def __init__(self, file: IO[bytes], *types: str) -> None:
        unknown = [each for each in types if each not in ENCODERS]
        if unknown or not types:
            raise ValueError(f'the types must be among {", ".join(ENCODERS)}; not {", ".join(unknown) or "none"}')
        self._file = file
        self._encoders = [ENCODERS[each] for each in types]
        file.write(SIGNATURE)

    def write(self, *fields: Any) -> None:
        """One row; None is NULL."""
        if len(fields) != len(self._encoders):
            raise ValueError(f'a row has {len(self._encoders)} fields, not {len(fields)}')
        row = [struct.pack('>h', len(fields))]
        for field, encoder in zip(fields, self._encoders):
            data = None if field is None else encoder(field)
            row.append(struct.pack('>i', -1) if data is None else struct.pack('>i', len(data)) + data)
        self._file.write(b''.join(row))

    def close(self) -> None:
        """Ends the rows; the file stays open. Without it the server refuses them all."""
        self._file.write(struct.pack('>h', -1))

    def __enter__(self) -> CopyWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
