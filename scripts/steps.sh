# SPDX-License-Identifier: PostgreSQL
# Part of test.sh, which sources it after lib.sh: steps that are announced, timed and counted, and lanes of steps that run side by side.
#
# A step is one command. It passes if its command succeeds and has run at least one test. Steps of one lane run in order, lanes beside each other.
# The first step that fails ends the run.

output=hidden    # "shown": what a step says is shown while it runs; "hidden": only if it fails
lane=            # name of the lane that this shell runs; empty outside of lanes
declare -A lanes # process group -> name, of the lanes that run

say() { echo "== ${lane:+$lane: }$1"; }

# count_tests FILE: the number of tests that the output in FILE reports; 1 if it is of a program that reports none.
count_tests() {
	awk '
		/^([0-9]+: )?\[  PASSED  \] [0-9]+ tests?\./ { cases = 1; sub(/.*PASSED  \] /, ""); n += $1 + 0 }   # GoogleTest
		/^[0-9]+% tests passed, [0-9]+ tests? failed out of [0-9]+/ { programs = 1; p += $NF }              # ctest
		/^(# | )All [0-9]+ tests passed/ { seen = 1; sub(/.*All /, ""); n += $1 + 0 }                       # pg_regress
		/^Files=[0-9]+, Tests=[0-9]+/ { seen = 1; sub(/.*Tests=/, ""); n += $1 + 0 }                        # prove
		/^Ran [0-9]+ tests? in / { seen = 1; n += $2 }                                                      # unittest
		/^(boundary|builds|errors|functions|links|meta|reference|rollups|steps): [0-9]+ rules hold$/ { seen = 1; n += $2 }
		/^packages: [0-9]+ checks hold$/ { seen = 1; n += $2 }
		/^clients: [0-9]+ cases hold/ { seen = 1; n += $2 }
		/^layout: [0-9]+ files / { seen = 1; n += $2 }
		/^(accuracy|algebra|constants|search|sizes|window): [0-9]+ of [0-9]+ bounds hold/ { seen = 1; n += $2 }
		/^pages: [0-9]+ blocks of / { seen = 1; n += $2 }
		/^faults: [0-9]+ of [0-9]+ cases end/ { seen = 1; n += $2 }
		/^ok   .* at (most|least) / { seen = 1; n++ }                                                       # bars
		/^[0-9]+ passed, 0 failed$/ { seen = 1; n += $1 }                                                   # test.sh in another root
		END { print cases || seen ? n + 0 : programs ? p + 0 : 1 }' "$1"
}

# labelled LOG COMMAND...: what it says goes to LOG, and to the user with the lane before each line.
labelled() { "${@:2}" 2>&1 | tee "$1" | sed -u "s/^/${lane:+$lane| }/"; }

# step NAME SECONDS COMMAND...: SECONDS is what it took on two cores, beside the other lane.
step() {
	local name=$1 log start=$SECONDS tests
	log=$(mktemp "$work/log/step-XXXXXX")
	say "$name (about $(duration "$2"))"
	if [ "$output" = shown ]; then
		run labelled "$log" "${@:3}"
	else
		run hidden "$log" "${@:3}"
	fi
	tests=$(count_tests "$log")
	if [ "$status" -eq 0 ] && [ "$tests" -gt 0 ]; then
		echo "$tests" >>"$work/log/passed"
		say "$name: ok, $tests in $(duration $((SECONDS - start)))"
	else
		step_failed "$name" "$log" "$((SECONDS - start))"
	fi
}

# step_failed NAME LOG SECONDS
step_failed() {
	[ "$output" = shown ] || tail -n 400 "$2" | cut -c -1000
	[ "$status" -ne 0 ] || say "$1: no test was run"
	say "$1: FAILED after $(duration "$3")"
	echo "$1" >>"$work/log/failed"
	exit 1
}

duration() {
	if [ "$1" -lt 100 ]; then echo "$1 s"; else echo "$(($1 / 60)) min $(($1 % 60)) s"; fi
}

# start_lane NAME FUNCTION...: runs the functions, whose steps follow each other.
start_lane() {
	launch in_lane "$@"
	lanes[$launched]=$1
}

in_lane() {
	lane=$1
	running=()
	trap end_groups EXIT
	trap 'exit 143' TERM
	local part
	for part in "${@:2}"; do "$part"; done
}

# lane_failed NAME: most often a step has said why; else the lane ended outside of a step.
lane_failed() {
	[ -s "$work/log/failed" ] || echo "lane $1 (it ended before its last step)" >>"$work/log/failed"
	finish
}

# end_lanes: until all lanes have ended; at the first that fails the run ends.
end_lanes() {
	local group result
	while [ ${#lanes[@]} -gt 0 ]; do
		# Not by "wait -n", which knows nothing of a lane that has ended already.
		for group in "${!lanes[@]}"; do
			! kill -0 "$group" 2>/dev/null || continue
			result=0
			wait "$group" || result=$?
			[ "$result" -eq 0 ] || lane_failed "${lanes[$group]}"
			unset "running[$group]" "lanes[$group]"
		done
		sleep 0.1
	done
}

# finish: the verdict over all steps; the last two lines say it.
finish() {
	local passed steps
	touch "$work/log/passed" "$work/log/failed"
	passed=$(awk '{ n += $1 } END { print n + 0 }' "$work/log/passed")
	steps=$(wc -l <"$work/log/passed")
	echo "took $(duration "$SECONDS"), after the packages were there"
	if [ -s "$work/log/failed" ]; then
		echo "$passed passed, $(wc -l <"$work/log/failed") failed"
		echo "hllset: FAILED: $(paste -sd, "$work/log/failed" | sed 's/,/, /g')"
		exit 1
	fi
	[ "$passed" -gt 0 ] || { echo "hllset: FAILED: no test was run" && exit 1; }
	echo "$passed passed, 0 failed"
	echo "hllset: all tests passed ($steps steps)"
	exit 0
}
