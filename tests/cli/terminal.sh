# The REPL as a person sees it: editing, completion, history, pasting, Ctrl-C.
. "$(dirname "$0")/lib.sh"
if ! "$program" --repl </dev/null 2>/dev/null; then
    fail "the REPL starts"
    end
    exit
fi
python3 "$root/tests/cli/terminal.py" "$program"
