#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# What a newcomer does by the README, word for word: installs, starts the server that came with it, and tries the examples.
# As root, in a root that is thrown away afterwards: scripts/fresh.sh test/first.sh

set -euo pipefail
cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y --no-install-recommends install python3 >/dev/null
test/pages.py --fresh
pg_ctlcluster 15 main start
runuser -u postgres -- test/pages.py README.md
