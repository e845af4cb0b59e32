#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# Installs the Python package as python/README.md says, by Debian's packages alone, and tests what is installed.
# As root, in a root that is thrown away afterwards: scripts/fresh.sh test/python/install.sh

set -euo pipefail
cd "$(dirname "$0")/../.."
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y --no-install-recommends install python3 mypy >/dev/null
# The block of the page that says so; there is no sudo here.
sudo() { "$@"; }
block=$(/usr/bin/python3 -c 'import re; print(re.search(r"```sh\n(.*?)```", open("python/README.md").read(), re.S)[1])')
eval "${block//apt-get install/apt-get -qq --no-install-recommends install}"
/usr/bin/python3 -m mypy --strict python/hllset
export HLLSET_INSTALLED=yes
rm -rf python/hllset
~/hllset/bin/python -c 'import hllset; assert "/hllset/lib/" in hllset.__file__ and hllset.HAS_NUMPY, hllset.__file__'
~/hllset/bin/python -m unittest discover -v -s test/python -p 'test_*.py'
~/hllset/bin/python test/python/speed.py
