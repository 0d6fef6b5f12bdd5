#!/usr/bin/env bash
# Every check: acceptance tests alone, then lint and unit tests beside the tests with real parts, which mostly wait.
# All are run and told whole; any of them fails all.
#
# Tests with real parts measure voices and milliseconds on a machine that others may be using. When at most three of
# them fail, those are told, and run once more, alone: one that fails again fails all. Lint and unit tests have no
# second chance.
set -u
BIN=.venv/bin
MOST_AGAIN=3
PYTEST_ARGS=${PYTEST_ARGS:-}
beside=$(mktemp)
trap 'rm -f "$beside"' EXIT

none_is_fine() { # pytest says 5 when arguments select nothing in a part
  local status=$1
  [ "$status" -eq 5 ] && [ $# -gt 1 ] && [ -n "$2" ] && return 0
  return "$status"
}

part() { # NAME FOLDER...: run the tests of a part, each with a memory of its own of what failed
  local name=$1
  shift
  rm -rf ".pytest_cache/$name/v/cache/lastfailed"
  "$BIN/python" -m pytest "$@" -o "cache_dir=.pytest_cache/$name" $PYTEST_ARGS
  none_is_fine $? "$PYTEST_ARGS"
}

failed_in() { # NAME: how many tests of a part failed
  "$BIN/python" -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' \
    ".pytest_cache/$1/v/cache/lastfailed" 2>/dev/null || echo 0
}

once_more() { # STATUS NAME FOLDER...: when few tests of a part failed, run those alone
  local status=$1 name=$2 count
  shift 2
  count=$(failed_in "$name")
  [ "$status" -eq 1 ] && [ "$count" -ge 1 ] && [ "$count" -le $MOST_AGAIN ] || return "$status"
  echo "== $count of the $name tests failed (above): once more, alone"
  "$BIN/python" -m pytest "$@" -o "cache_dir=.pytest_cache/$name" --last-failed --last-failed-no-failures none -v
}

beside() {
  "$BIN/ruff" check . && "$BIN/ruff" format --check . && "$BIN/mypy" && "$BIN/lint-imports" || return 1
  part unit tests/unit
}

export -f beside part none_is_fine
export BIN PYTEST_ARGS
part acceptance tests/acceptance # alone: they listen to real voices
acceptance=$?
nice -n 15 bash -c beside >"$beside" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -f "$beside"; exit 130' INT TERM
part real tests/contract tests/integration
real=$?
wait "$pid"
unit=$?
echo "== lint and unit tests, run beside"
cat "$beside"
if [ "$unit" -eq 0 ]; then
  once_more "$acceptance" acceptance tests/acceptance
  acceptance=$?
  once_more "$real" real tests/contract tests/integration
  real=$?
fi
[ "$acceptance" -eq 0 ] && [ "$real" -eq 0 ] && [ "$unit" -eq 0 ]
