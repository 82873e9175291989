# shellcheck shell=bash
# Sourced by the commands at the root: where the compiler cache is, and how a preset is built. Expects REDOUBT_ROOT.

# The cache stands outside the clone, so that a second clone is quick too; never above 2 GiB.
export CCACHE_DIR="${CCACHE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/redoubt/ccache}"
export CCACHE_MAXSIZE="${CCACHE_MAXSIZE:-2G}"
mkdir -p "$CCACHE_DIR"

REDOUBT_JOBS="${REDOUBT_JOBS:-$(nproc)}"

# step TEXT: a progress line with the time since the start.
step() { printf '[%3d:%02d] %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$*"; }

# build PRESET [--option=value|-D...]... [-- TARGET...]: configures where needed and builds; the log is shown only when
# something goes wrong.
build() {
  local preset="$1" options=() targets=() log
  shift
  while (($#)); do
    if [[ "$1" == -- ]]; then shift; targets=("$@"); break; fi
    options+=("$1")
    shift
  done
  mkdir -p "$REDOUBT_ROOT/build"
  log="$REDOUBT_ROOT/build/$preset.log"
  step "building $preset${targets[*]:+ (${targets[*]})}"
  if ! (cd "$REDOUBT_ROOT" && cmake --preset "$preset" "${options[@]}" &&
    cmake --build --preset "$preset" --parallel "$REDOUBT_JOBS" ${targets[@]:+--target "${targets[@]}"}) >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "building $preset failed; the whole log is build/$preset.log" >&2
    return 1
  fi
}
