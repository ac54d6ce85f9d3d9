#!/usr/bin/env bash
# Everything that must hold before a change is kept: format, lint, types, scripts, tests.
#
#   ./tests/run.sh [--all] [pytest arguments]     --all adds the long counts
#
#   QWEN_CHAT_TEST_MODEL=/path/to/model           a model folder instead of the starter model
#   QWEN_CHAT_TEST_FUZZ=10000                     so many made-up requests to the API instead of 300
#   QWEN_CHAT_TEST_FUZZ_SEED=7                    other ones

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export LC_ALL=C.UTF-8 PYTHONUTF8=1
# Compiled files are kept: each test process would compile everything again.
unset PYTHONDONTWRITEBYTECODE

readonly BIN=.venv/bin
readonly STAMP=.venv/tests-installed
readonly MODELS=$HOME/.cache/qwen-chat/models

step() { printf '\n== %s\n' "$*"; }
fail() {
  printf 'tests/run.sh: %s\n' "$*" >&2
  exit 1
}

install_packages() {
  local wanted
  ./start.sh install
  wanted=$(cat requirements.txt tests/requirements.txt | cksum)
  if [[ ! -f $STAMP || $(<"$STAMP") != "$wanted" ]]; then
    "$BIN/python" -m pip install --no-input --disable-pip-version-check -qq \
      -r tests/requirements.txt -c .venv/constraints.txt
    printf '%s\n' "$wanted" >"$STAMP"
  fi
}

# OpenAI's client for Node.js, exactly as locked.
install_node_packages() {
  local lock=tests/clients/node/package-lock.json there=tests/clients/node/node_modules
  if [[ ! -d $there || $lock -nt $there ]]; then
    "$BIN/npm" ci --silent --prefix tests/clients/node
    touch "$there"
  fi
}

# The page is tested in Debian's Chromium, without its windows where possible (tests/browser/
# chromium.py); the fonts are for Chinese on the pictures.
install_browser() {
  local missing=()
  [[ -x /usr/bin/chromium-headless-shell ]] || missing+=(chromium-headless-shell)
  [[ -d /usr/share/fonts/opentype/noto ]] || missing+=(fonts-noto-cjk)
  ((${#missing[@]})) || return 0
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
  elif [[ ! -x /usr/bin/chromium-headless-shell && ! -x /usr/bin/chromium ]]; then
    fail "the page is tested in Chromium; as root: apt-get install ${missing[*]}"
  else
    printf 'Without %s the pictures show no Chinese.\n' "${missing[*]}"
  fi
}

prepare_model() {
  if [[ -n ${QWEN_CHAT_TEST_MODEL:-} ]]; then
    printf 'taking %s\n' "$QWEN_CHAT_TEST_MODEL"
  else
    "$BIN/python" download_model.py --model auto --source starter --models-dir "$MODELS"
  fi
}

select='not long'
if [[ ${1:-} == --all ]]; then
  select=''
  shift
fi

# The types are checked beside everything else. By one process: the workers of --num-workers give
# up where a busy machine keeps them waiting.
start_types() {
  types_output=$(mktemp)
  "$BIN/mypy" --cache-dir "$HOME/.cache/qwen-chat/mypy" . >"$types_output" 2>&1 &
  types_pid=$!
  trap 'kill "$types_pid" 2>/dev/null || true; rm -f "$types_output"' EXIT
}

wait_for_types() {
  local status=0
  wait "$types_pid" || status=$?
  cat "$types_output"
  rm -f "$types_output"
  trap - EXIT
  ((status == 0)) || fail "mypy ended with status $status."
}

step "packages"
install_packages
install_node_packages
start_types
step "browser"
install_browser
step "starter model"
prepare_model
step "format and lint"
"$BIN/ruff" format --check .
"$BIN/ruff" check .
step "scripts"
"$BIN/shellcheck" start.sh tests/run.sh .ci/run
step "tests"
# Tests run side by side, four even on two cores: many wait for a browser or a child process. Those
# marked slow begin first (tests/conftest.py).
# Each process computes on one core: more threads would wait for each other.
# Pinned: the locale and UTF-8 (above), the threads, and, in tests/conftest.py, no proxy for
# loopback. Signals, terminal, time zone and umask are the caller's.
export OMP_NUM_THREADS=1
tests=0
"$BIN/python" -m pytest -q -n 4 --dist worksteal -m "$select" "$@" || tests=$?
step "types"
wait_for_types
exit "$tests"
