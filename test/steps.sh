#!/bin/bash
# SPDX-License-Identifier: PostgreSQL
# That a run of the tests says so when it has failed: each case is a run of its own, of two lanes of which one is good.

set -euo pipefail
scripts=$(cd "$(dirname "$0")/../scripts" && pwd)
checks=0

# verdict COMMAND: 0 or 1, of a run whose second lane is COMMAND.
verdict() {
	bash -c '
		source "$0/lib.sh"
		source "$0/steps.sh"
		good() { step "a step that passes" 1 echo "boundary: 3 rules hold"; }
		command=$1
		second() { eval "$command"; }
		start_lane 1 good
		start_lane 2 second
		end_lanes
		finish' "$scripts" "$1" >/dev/null 2>&1 && echo 0 || echo 1
}

# expect VERDICT COMMAND
expect() {
	local got
	got=$(verdict "$2")
	[ "$got" = "$1" ] || { echo "steps: a run with \"$2\" ended with $got, not $1" >&2; exit 1; }
	checks=$((checks + 1))
}

expect 0 'good'
expect 0 'good; good'
expect 1 'step "a step that fails" 1 false'
expect 1 'step "a step that is killed" 1 bash -c "kill -9 \$\$"'
expect 1 'step "a step without a test" 1 echo "boundary: 0 rules hold"'
expect 1 'false; good'
expect 1 'exit 1'
expect 1 'kill -9 $BASHPID'
expect 1 'count_tests() { return 2; }; good'
echo "steps: $checks rules hold"
