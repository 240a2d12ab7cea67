# Inputs that nobody means well with: one line of complaint, the documented status, never a signal.
. "$(dirname "$0")/lib.sh"

one_line() { expect "$1" sh -c '[ "$(head -n 1 err | wc -l)" = 1 ] && [ "$(wc -l <err)" -le 3 ]'; }

# Bytes that no text has from the start on.
{ printf "\\377"; head -c 1000000 /dev/urandom; } >random.metta
check "random bytes" 3 "*" "^random.metta:[0-9]+:[0-9]+: " "$program" random.metta
one_line "random bytes: a short complaint"
head -c 1000000 /dev/zero | tr '\0' '(' >open.metta
check "a million (" 3 "" "^open.metta:1:[0-9]+: " "$program" open.metta
one_line "a million (: a short complaint"
{ cat open.metta; head -c 1000000 /dev/zero | tr '\0' ')'; } >nested.metta
check "a million nested" 0 "" "" "$program" nested.metta
{ printf '!'; cat nested.metta; } >query.metta
check "a million nested, evaluated" 0 "*" "" "$program" query.metta
expect "printed whole" sh -c '[ "$(wc -c <out)" = 2000003 ]'
printf '! "no end' >string.metta
check "unclosed string" 3 "" "^string.metta:1:3: " "$program" string.metta
printf '! 1\n(a \377\376)\n' >utf8.metta
check "invalid UTF-8" 3 "[1]" "^utf8.metta:2:4: " "$program" utf8.metta
printf '! "a\\qb"' >escape.metta
check "bad escape" 3 "" "^escape.metta:1:" "$program" escape.metta
head -c 300000 /dev/zero | tr '\0' 'x' >word.metta
check "a long word" 0 "" "" "$program" word.metta
{ cat word.metta; printf ')'; } >line.metta
check "an error far to the right" 3 "" "^line.metta:1:300001: " "$program" line.metta
expect "the shown line is cut" sh -c '[ "$(wc -c <err)" -lt 1000 ]'
printf 'a\0b\n! 1\n' >nul.metta
check "NUL bytes" 0 "*" "*" "$program" nul.metta
: >empty.metta
check "an empty file" 0 "" "" "$program" empty.metta
end
