#!/usr/bin/env bash
# Qwen Chat: make the environment once, then run the app.
#
#   ./start.sh [run] [settings]     in the foreground; Ctrl+C stops it
#   ./start.sh start [settings]     in the background; returns when the page answers; started again
#                                   after a crash
#   ./start.sh stop                 let running answers finish, save, end
#   ./start.sh restart [settings]   stop, start; with the settings it had when none are given
#   ./start.sh status               whether it runs, where, whether the model is ready, and the
#                                   link that makes the administrator while there is none
#   ./start.sh logs                 follow the log
#   ./start.sh install              make the environment and nothing else
#
#   --index-url URL                 package index to install from, in place of pip's own setting
#   PYTHON=/path/to/python          what to make the environment with: 3.11 or newer
#
# All other arguments are settings of app.py: ./start.sh run --help

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly VENV=.venv
readonly PY=$VENV/bin/python
readonly STAMP=$VENV/installed
readonly UNFINISHED=$VENV/unfinished  # there while the environment is made or changed
readonly INSTALL_LOG=$VENV/install.log
readonly PID_FILE=data/qwen-chat.pid    # pid, its start, time, address to ask, to show, log, grace, link
readonly ARGS_FILE=data/qwen-chat.args  # settings of the last start, each ended by a NUL
readonly OUTPUT=data/qwen-chat.out      # what the app wrote to its terminal
readonly START_TIMEOUT_S=120
readonly RESTART_CODE=75        # how app.py asks for a new process: its engine was lost
readonly LONGEST_RESTART_S=60   # between two starts
readonly STEADY_S=${QWEN_CHAT_STEADY_S:-300}  # after so long the next start waits no longer again

say() { printf '%s\n' "$*"; }
fail() {
  printf 'qwen-chat: %s\n' "$*" >&2
  exit 1
}

# --- The environment ---------------------------------------------------------------------------

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  local candidate candidates=(python3 python3.14 python3.13 python3.12 python3.11 python)
  # The shell leaves ~ alone within quotes, and a file of variables never passes through it.
  [[ -z ${PYTHON:-} ]] || candidates=("${PYTHON/#\~\//$HOME/}")
  for candidate in "${candidates[@]}"; do
    if is_new_enough "$candidate"; then
      say "$candidate"
      return
    fi
  done
  [[ -z ${PYTHON:-} ]] || fail "PYTHON=$PYTHON does not run or is older than 3.11; 3.11 or newer is needed."
  fail "Python 3.11 or newer is needed and was not found. Install it, or name it: PYTHON=/path/to/python ./start.sh"
}

make_venv() {
  local python output
  python=$(find_python)
  say "Making $VENV with $("$python" --version)"
  rm -rf "$VENV"
  mkdir "$VENV"
  : >"$UNFINISHED"
  if ! output=$("$python" -m venv "$VENV" 2>&1); then
    rm -rf "$VENV"
    [[ $output != *ensurepip* ]] || fail "Python's venv module is missing. On Debian and Ubuntu: apt-get install python3-venv"
    fail "$VENV could not be made: ${output##*$'\n'}"
  fi
}

has_nvidia_driver() { [[ -e /proc/driver/nvidia/version ]] || command -v nvidia-smi >/dev/null; }

pip_install() {
  "$PY" -m pip install --no-input --disable-pip-version-check "$@" 2>&1 | tee -a "$INSTALL_LOG"
}

show_progress() {
  local line count=0 clear=''
  [[ ! -t 1 ]] || clear=$'\r\033[K'
  while IFS= read -r line; do
    case $line in
      Collecting*)
        count=$((count + 1))
        [[ -z $clear ]] || printf '%s  package %d: %s' "$clear" "$count" "${line#Collecting }"
        ;;
      *Downloading*[0-9][0-9]?[0-9]' MB)'*) printf '%s%s\n' "$clear" "$line" ;;
      'Installing collected'*)
        line=${line//[^,]/}
        printf '%s  installing %d packages\n' "$clear" $((${#line} + 1))
        ;;
    esac
  done
}

explain_failed_install() {
  # Before pip wrote anything the environment is as it was; after that it is made anew next time.
  grep -q '^Installing collected' "$INSTALL_LOG" || rm -f "$UNFINISHED"
  if grep -qE 'NewConnectionError|NameResolution|ConnectTimeout|ReadTimeout|ProxyError|unreachable|Max retries' "$INSTALL_LOG"; then
    fail "The packages could not be installed: no package index answers. Check the network, or name a mirror: ./start.sh --index-url URL (details: $INSTALL_LOG)"
  elif grep -q 'No space left on device' "$INSTALL_LOG"; then
    fail "The packages could not be installed: the disk is full. Free some GB and run ./start.sh again."
  fi
  fail "The packages could not be installed: $(grep -E '^ERROR' "$INSTALL_LOG" | tail -n 1 | cut -c8-) (details: $INSTALL_LOG)"
}

# Without an NVIDIA driver the CUDA build of torch wastes several GB.
torch_constraint() {
  local torch
  torch=$(sed -n 's/^\(torch==[^ #]*\).*/\1/p' requirements.txt)
  if has_nvidia_driver || [[ $(uname -s) != Linux ]]; then
    say "$torch"
  elif pip_install --dry-run --no-deps --quiet "$torch+cpu" >/dev/null; then
    say "$torch+cpu"
  else
    say "$torch"
    say "The package index has no CPU build of torch: the CUDA build, which is several GB larger, is taken." \
      "PyTorch's own CPU index can be added with PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu" >&2
  fi
}

# What a finished environment holds: the requirements and the version of Python.
wanted_stamp() {
  say "$(cksum <requirements.txt) $("$PY" -c 'import sys; print(*sys.version_info[:2], sep=".")')"
}

# An environment whose making was killed looks whole to pip, which trusts half a package.
is_sound() { [[ ! -e $UNFINISHED ]] && is_new_enough "$PY"; }

is_installed() { is_sound && [[ -f $STAMP && $(<"$STAMP") == "$(wanted_stamp)" ]]; }

install() {
  if ! is_installed; then
    # Held by pip too, so that a new start waits for the pip of one that was killed.
    exec 9<requirements.txt
    if command -v flock >/dev/null && ! flock -n 9; then
      say "Another ./start.sh makes the environment: waiting for it."
      flock 9 || true
    fi
    is_installed || install_packages
    exec 9<&-
  elif has_nvidia_driver && compgen -G "$VENV/lib/python*/site-packages/torch-*+cpu.dist-info" >/dev/null; then
    say "There is an NVIDIA driver, but the CPU build of torch is installed. To use the GPU: rm -rf $VENV and start again."
  fi
}

install_packages() {
  if ! is_sound || ! "$PY" -m pip --version >/dev/null 2>&1; then
    make_venv
  fi
  say "Installing the packages of requirements.txt (once; some minutes, details in $INSTALL_LOG)"
  : >"$UNFINISHED"
  : >"$INSTALL_LOG"
  export PIP_RETRIES=${PIP_RETRIES:-2}
  torch_constraint >"$VENV/constraints.txt"
  pip_install -r requirements.txt -c "$VENV/constraints.txt" | show_progress || explain_failed_install
  wanted_stamp >"$STAMP"
  rm "$UNFINISHED"
}

# --- The background process --------------------------------------------------------------------

# Start time of a process, which distinguishes it from a later one with the same pid.
start_of() {
  local stat
  if [[ -d /proc/self ]]; then
    stat=$(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null) || return 1
    [[ $stat != Z* ]] || return 1
    cut -d ' ' -f 20 <<<"$stat"
  else
    ps -o lstart= -p "$1"
  fi
}

# Reads the pid file into `pid` and the other variables; true if that process runs.
is_running() {
  [[ -f $PID_FILE ]] || return 1
  {
    read -r pid
    read -r pid_start
    read -r since
    read -r ask
    read -r show
    read -r log
    read -r grace
    read -r setup || setup=''  # an older version wrote none
  } <"$PID_FILE" || return 1
  [[ -n $pid_start && $(start_of "$pid") == "$pid_start" ]]
}

start() {
  local where
  install
  if is_running; then
    say "Already running (pid $pid) at $show. To change settings: ./start.sh restart [settings]"
    return
  fi
  where=$("$PY" -m api.ops.probe where "$@") || exit 1
  { read -r ask; read -r show; read -r log; read -r grace; read -r setup; } <<<"$where"
  if "$PY" -m api.ops.probe health "$ask"; then
    fail "Another Qwen Chat answers at $ask. Stop it, or choose another --port."
  fi
  umask 077
  mkdir -p data
  : >"$ARGS_FILE"
  (($# == 0)) || printf '%s\0' "$@" >"$ARGS_FILE"
  # In a process group of its own, so that the app and its supervisor can be ended together.
  set -m
  (supervise "$@") >"$OUTPUT" 2>&1 </dev/null &
  pid=$!
  set +m
  printf '%s\n' "$pid" "$(start_of "$pid")" "$(date +%s)" "$where" >"$PID_FILE"
  wait_until_it_answers
}

# Runs the app, and again when it crashed: after 1, 2, 4 … s, at most LONGEST_RESTART_S. An app that
# ends by itself, or cannot start (exit code 1: a wrong setting, no model), is not started again.
supervise() {
  local child='' code pause=1 began stopping='' bound=()
  # If the supervisor is killed, the app must not go on without it.
  ! command -v setpriv >/dev/null || bound=(setpriv --pdeathsig TERM)
  trap '' HUP INT
  trap 'stopping=1; [[ -z $child ]] || kill -TERM "$child" 2>/dev/null || true' TERM
  while :; do
    began=$SECONDS
    ${bound[@]+"${bound[@]}"} "$PY" app.py "$@" &
    child=$!
    # A signal ends `wait` before the child has ended: the app still finishes its answers.
    while code=0; wait "$child" || code=$?; kill -0 "$child" 2>/dev/null; do :; done
    # 130 and 143: it was told to end, by SIGINT or SIGTERM.
    if [[ -n $stopping ]] || ((code != RESTART_CODE && (code <= 128 || code == 130 || code == 143))); then
      exit "$code"
    fi
    ((SECONDS - began < STEADY_S)) || pause=1
    printf 'qwen-chat: the app ended (exit code %d) and is started again in %d s.\n' "$code" "$pause"
    child=''
    sleep "$pause" &
    wait $! || true
    [[ -z $stopping ]] || exit 0
    pause=$((pause * 2 < LONGEST_RESTART_S ? pause * 2 : LONGEST_RESTART_S))
  done
}

wait_until_it_answers() {
  # One process that asks again and again: the app needs the processor to start.
  if "$PY" -m api.ops.probe wait "$ask" "$pid" "$START_TIMEOUT_S"; then
    say "Running (pid $pid) at $show"
    say "Model: $("$PY" -m api.ops.probe ready "$ask" || true)"
    show_setup_link
    return
  fi
  if ! is_running; then
    tail -n 20 "$OUTPUT" >&2
    rm -f "$PID_FILE"
    fail "It did not start. The lines above say why; $log may say more."
  fi
  stop
  fail "It did not answer at $ask within $START_TIMEOUT_S s and was stopped. See $log and $OUTPUT."
}

stop() {
  local deadline
  if ! is_running; then
    say "Not running."
    return
  fi
  kill -TERM "$pid"
  say "Stopping (pid $pid); running answers get up to $grace s."
  deadline=$((SECONDS + grace + 20))
  while ((SECONDS < deadline)); do
    if ! is_running; then
      rm -f "$PID_FILE"
      say "Stopped."
      return
    fi
    sleep 0.2
  done
  fail "It still runs (pid $pid). See ${log}; kill -9 -- -$pid ends it at once."
}

restart() {
  local kept=() argument
  if [[ $# == 0 && -f $ARGS_FILE ]]; then
    while IFS= read -r -d '' argument; do kept+=("$argument"); done <"$ARGS_FILE"
    set -- ${kept[@]+"${kept[@]}"}
  fi
  stop
  start "$@"
}

status() {
  local up
  if ! is_running; then
    say "Not running."
    exit 3
  fi
  up=$(($(date +%s) - since))
  printf 'Running (pid %d) for %dd %02d:%02d:%02d at %s\n' \
    "$pid" $((up / 86400)) $((up / 3600 % 24)) $((up / 60 % 60)) $((up % 60)) "$show"
  say "Model: $("$PY" -m api.ops.probe ready "$ask" || true)"
  show_setup_link
}

# The link is a secret: shown only to users who may read its file, and removed after its use.
show_setup_link() {
  [[ -n $setup && -r $setup ]] || return 0
  say "Set up the administrator's account, once, at:"
  sed 's/^/  /' "$setup"
}

logs() {
  is_running || : "${log:=server.log}"
  [[ -f $log ]] || fail "There is no $log yet."
  exec tail -n 50 -F "$log"
}

usage() { sed -n '2,/^$/s/^# \{0,1\}//p' start.sh; }

# --- The command line --------------------------------------------------------------------------

command=run
case ${1:-} in
  run | start | stop | restart | status | logs | install)
    command=$1
    shift
    ;;
  help | -h | --help)
    usage
    exit
    ;;
  [!-]*) fail "There is no command '$1'. There are: run start stop restart status logs install (settings begin with --)" ;;
esac

settings=()
while (($#)); do
  case $1 in
    --index-url)
      (($# > 1)) || fail "--index-url needs a URL."
      export PIP_INDEX_URL=$2
      shift
      ;;
    --index-url=*) export PIP_INDEX_URL=${1#*=} ;;
    -h | --help)
      command=run
      settings+=(--help)
      ;;
    *) settings+=("$1") ;;
  esac
  shift
done

case $command in
  run)
    install
    exec "$PY" app.py ${settings[@]+"${settings[@]}"}
    ;;
  start | restart) "$command" ${settings[@]+"${settings[@]}"} ;;
  *) "$command" ;;
esac
