#!/usr/bin/env bash
# Every check: acceptance tests alone, then lint and unit tests beside the tests with real parts, which mostly wait.
# All are run and told whole; any of them fails all.
set -u
BIN=.venv/bin
beside=$(mktemp)
trap 'rm -f "$beside"' EXIT

none_is_fine() { # pytest says 5 when arguments select nothing in a part
  local status=$1
  [ "$status" -eq 5 ] && [ $# -gt 1 ] && [ -n "$2" ] && return 0
  return "$status"
}

beside() {
  "$BIN/ruff" check . && "$BIN/ruff" format --check . && "$BIN/mypy" && "$BIN/lint-imports" || return 1
  "$BIN/python" -m pytest tests/unit -o cache_dir=.pytest_cache/unit $PYTEST_ARGS
  none_is_fine $? "$PYTEST_ARGS"
}

PYTEST_ARGS=${PYTEST_ARGS:-}
export -f beside none_is_fine
export BIN PYTEST_ARGS
"$BIN/python" -m pytest tests/acceptance $PYTEST_ARGS # alone: they listen to real voices
none_is_fine $? "$PYTEST_ARGS"
acceptance=$?
nice -n 15 bash -c beside >"$beside" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -f "$beside"; exit 130' INT TERM
"$BIN/python" -m pytest tests/contract tests/integration $PYTEST_ARGS
none_is_fine $? "$PYTEST_ARGS"
real=$?
wait "$pid"
unit=$?
echo "== lint and unit tests, run beside"
cat "$beside"
[ "$acceptance" -eq 0 ] && [ "$real" -eq 0 ] && [ "$unit" -eq 0 ]
