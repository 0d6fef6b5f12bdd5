#!/usr/bin/env bash
# Prepares a checkout: Debian packages, the virtual environment, Asterisk. A second run notices that nothing changed.
# Needs: Debian 12 (or alike) and Python 3.11 or later. TIMBRE_PYTHON names another interpreter than python3.
set -euo pipefail
cd "$(dirname "$0")/.."

VENV=.venv
EXTRAS=softphone,postgres,train,dev
STAMP=$VENV/.timbre-setup
# package:a file that is there when it is installed
PARTS=(
  redis-server:/usr/bin/redis-server
  sip-tester:/usr/bin/sipp
  postgresql:/usr/lib/postgresql/*/bin/initdb
  mmdebstrap:/usr/bin/mmdebstrap
  espeak-ng:/usr/bin/espeak-ng
  libsndfile1:/usr/lib/*-linux-gnu/libsndfile.so.1
)

say() { printf 'setup: %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Ctrl-C while a part is installed: that part's own complaints are not the story.
stopped() { printf '\nsetup: stopped; run it again and it goes on with what is missing\n' >&2; exit 130; }
trap stopped INT TERM HUP

missing_packages() {
  local part
  for part in "${PARTS[@]}"; do
    compgen -G "${part#*:}" >/dev/null || printf '%s ' "${part%%:*}"
  done
}

fingerprint() {
  { cat pyproject.toml constraints.txt tools/setup.sh telephony/asterisk/install.py; pwd; } | sha256sum | cut -d' ' -f1
}

find_python() {
  local candidate
  for candidate in "${TIMBRE_PYTHON:-}" python3.11 python3 python3.12 python3.13; do
    [ -n "$candidate" ] || continue
    "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
    "$candidate" -c 'import sys; print(sys.executable)'  # behind a version manager's shim, the real one
    return
  done
  fail "no Python 3.11 or later here: apt-get install python3, or set TIMBRE_PYTHON"
}

# Services that a package would start: Timbre starts its own, on its own ports, and wants no others.
without_autostart() {
  local policy=/usr/sbin/policy-rc.d ours=no status=0
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && ours=yes
  fi
  "$@" || status=$?
  if [ "$ours" = yes ]; then rm -f "$policy"; fi
  return "$status"
}

# Runs a command silently; when it fails, shows the end of what it printed.
quietly() {
  local log status=0
  log=$(mktemp)
  # shellcheck disable=SC2064  # now: the variable is gone when the trap runs
  trap "rm -f '$log'" EXIT
  "$@" </dev/null >"$log" 2>&1 || status=$?
  if [ "$status" != 0 ]; then tail -n 25 "$log" >&2; fi
  rm -f "$log"
  return "$status"
}

apt_install() {
  export DEBIAN_FRONTEND=noninteractive
  # PostgreSQL's programs are wanted, a cluster of its own is not.
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    printf 'create_main_cluster = false\n' >/etc/postgresql-common/createcluster.conf
  fi
  quietly apt-get update -q || fail "apt-get update failed"
  quietly without_autostart apt-get install -q -y --no-install-recommends -o Dpkg::Options::=--force-confold "$@" ||
    fail "apt-get could not install: $*"
  local service
  for service in redis-server postgresql; do
    case " $* " in *" $service "*) systemctl disable --now --quiet "$service" >/dev/null 2>&1 || true ;; esac
  done
}

ensure_packages() {
  local missing
  missing=$(missing_packages)
  "$PYTHON" -c 'import ensurepip, venv' >/dev/null 2>&1 || missing+="python3-venv "
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    fail "missing Debian packages, have them installed by root: apt-get install --no-install-recommends $missing"
  fi
  say "installing Debian packages, a minute or so: $missing"
  # shellcheck disable=SC2086
  apt_install $missing
}

ensure_venv() {
  if ! "$VENV/bin/python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
    say "making $VENV with $("$PYTHON" --version)"
    rm -rf "$VENV"
    "$PYTHON" -m venv "$VENV"
  fi
  say "installing Python packages, one to three minutes"
  quietly "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    -c constraints.txt -e ".[$EXTRAS]" || fail "pip could not install the Python packages"
}

ensure_asterisk() {
  "$VENV/bin/python" -m telephony.asterisk.install </dev/null
}

compile_loops() {
  say "compiling the inner loops of AMD and pacing, one to three minutes"
  quietly "$VENV/bin/python" -m server.compiled || fail "the inner loops could not be compiled"
}

asterisk_present() { "$VENV/bin/python" -m telephony.asterisk.install --check </dev/null >/dev/null 2>&1; }

main() {
  local wanted
  wanted=$(fingerprint)
  if [ "$(cat "$STAMP" 2>/dev/null)" = "$wanted" ] && [ -z "$(missing_packages)" ] && asterisk_present; then
    return 0
  fi
  PYTHON=$(find_python)
  ensure_packages
  ensure_venv
  ensure_asterisk
  compile_loops
  printf '%s\n' "$wanted" >"$STAMP"
  say "ready: $VENV/bin/timbre"
}

main "$@"
