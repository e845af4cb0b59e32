# SPDX-License-Identifier: PostgreSQL
"""The version, in a file that needs nothing else: it is read when the package is built."""
VERSION = '1.0.0'
