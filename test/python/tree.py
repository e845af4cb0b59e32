# SPDX-License-Identifier: PostgreSQL
"""Import this first: the package of this tree comes before one that is installed, unless HLLSET_INSTALLED is set."""
import os
import sys
from pathlib import Path

if 'HLLSET_INSTALLED' not in os.environ:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'python'))
