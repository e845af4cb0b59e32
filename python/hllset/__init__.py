# SPDX-License-Identifier: PostgreSQL
"""
Values of the PostgreSQL type hllset, outside of the server: build sets, read them, unite and count them, and load them by COPY BINARY.

    from hllset import Set
    users = Set.of_integers([1, 2, 3]) | Set.of_integers([3, 4])
    users.cardinality()          # 4.0
    bytes(users)                 # for a column of type hllset

The package follows docs/format.md of the project alone, and shares no code with the extension.
"""
from . import elements
from .builder import HAS_NUMPY, Builder
from .codec import FormatError
from .copy import CopyWriter
from .elements import Element
from .value import Set
from .version import VERSION

__all__ = ['Builder', 'CopyWriter', 'Element', 'FormatError', 'HAS_NUMPY', 'Set', 'elements']
__version__ = VERSION
