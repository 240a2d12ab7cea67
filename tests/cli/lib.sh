# Helpers of the command-line tests.  Each test file is run as: sh FILE PROGRAM
#
#   check NAME STATUS STDOUT STDERR-PATTERN COMMAND...
#     STDOUT is compared as it is; "*" accepts anything.  STDERR-PATTERN is an extended regular expression that some line
#     must match; "" demands an empty stderr, "*" accepts anything.

program=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
passed=0
failed=0
unset METTA_LOG RUST_LOG

# The tiers that the program has.
tiers="0 1"
"$program" --tier=2 -e 1 >/dev/null 2>&1 && tiers="0 1 2"

pass() { passed=$((passed + 1)); }
fail() {
    failed=$((failed + 1))
    echo "failed: $1"
    shift
    for line in "$@"; do echo "  $line"; done
}

# expect NAME CONDITION...: the command CONDITION succeeds.
expect() {
    name=$1
    shift
    if "$@" >/dev/null 2>&1; then pass; else fail "$name" "$*"; fi
}

check() {
    name=$1 want_status=$2 want_out=$3 want_err=$4
    shift 4
    "$@" >out 2>err
    status=$?
    if [ $status != "$want_status" ]; then
        fail "$name" "status $status, want $want_status" "$(head -c 300 err)"
    elif [ "$want_out" != "*" ] && [ "$(cat out)" != "$want_out" ]; then
        fail "$name" "stdout: $(head -c 300 out)" "want:   $want_out"
    elif [ -z "$want_err" ] && [ -s err ]; then
        fail "$name" "stderr: $(head -c 300 err)" "want none"
    elif [ -n "$want_err" ] && [ "$want_err" != "*" ] && ! grep -Eq -- "$want_err" err; then
        fail "$name" "stderr: $(head -c 300 err)" "want a line like: $want_err"
    else
        pass
    fi
}

# wait_for FILE PATTERN: until some line of FILE is like it; not for long.
wait_for() {
    tries=0
    until grep -Eq -- "$2" "$1" 2>/dev/null || [ $tries = 300 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
}

end() {
    echo "$passed passed, $failed failed"
    [ $failed = 0 ]
}
