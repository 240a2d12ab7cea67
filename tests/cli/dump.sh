# Listings of programs as they are read: --dump=ast.
. "$(dirname "$0")/lib.sh"

cat >small.metta <<'END'
; A rule, and a query over two lines.
(= (sq $x) (* $x $x))
!(pair (sq 12) (λ ())
       "two\nlines") word $v True
END
cat >small.ast <<'END'
=== atom small.metta:2:1 ===
2:1-2:22        expression of 3
2:2-2:3           symbol =
2:4-2:11          expression of 2
2:5-2:7             symbol sq
2:8-2:10            variable $x
2:12-2:21         expression of 3
2:13-2:14           function *
2:15-2:17           variable $x
2:18-2:20           variable $x

=== query small.metta:3:1 ===
3:1-3:2         symbol !
3:2-4:21        expression of 4
3:3-3:7           symbol pair
3:8-3:15          expression of 2
3:9-3:11            symbol sq
3:12-3:14           number 12
3:16-3:22         expression of 2
3:17-3:18           symbol λ
3:19-3:21           expression of 0
4:8-4:20          string "two\nlines"

=== atom small.metta:4:22 ===
4:22-4:26       symbol word

=== atom small.metta:4:27 ===
4:27-4:29       variable $v

=== atom small.metta:4:30 ===
4:30-4:34       bool True
END
check "a small file" 0 "$(cat small.ast)" "" "$program" --dump=ast small.metta
check "standard input" 0 "=== atom <stdin>:1:1 ===
1:1-1:2         symbol a" "" sh -c "echo a | '$program' --dump=ast -"
check "expressions and files, one after the other" 0 "=== atom <expression>:1:1 ===
1:1-1:2         number 1

$(cat small.ast)" "" "$program" --dump=ast -e 1 small.metta
check "-o" 0 "" "" "$program" --dump=ast -o listing small.metta
expect "-o holds the listing" cmp listing small.ast
check "nothing is run" 0 "*" "" "$program" --dump=ast -e '!(println! "ran") !(import! &self none) !(/ 1 0)'
expect "nothing was printed" sh -c '! grep -qx ran out'
check "the last --dump counts" 0 "=== f/0 ===" "" sh -c "'$program' --dump=ast --dump=bytecode:f -e '(= (f) 1)' | head -n 1"
check "the query of a !" 0 "=== query <expression>:1:1 ===
1:1-1:2         symbol !
1:3-1:4         symbol !

=== query <expression>:1:5 ===
1:5-1:6         symbol !" "" "$program" --dump=ast -e '! ! !'
check "an empty file" 0 "" "" "$program" --dump=ast /dev/null
check "no REPL" 2 "" "no FILE" "$program" --dump=ast --repl

# -- Errors --

printf 'a\n(b c))\n' >bad.metta
check "a syntax error" 3 "=== atom bad.metta:1:1 ===
1:1-1:2         symbol a

=== atom bad.metta:2:1 ===
2:1-2:6         expression of 2
2:2-2:3           symbol b
2:4-2:5           symbol c" "^bad.metta:2:6: unexpected '\)'" "$program" --dump=ast bad.metta small.metta
check "an unfinished form" 3 "" "^<expression>:1:1: unclosed" "$program" --dump=ast -e '(a'
check "a missing file" 4 "" "^mettatron: none.metta: No such file" "$program" --dump=ast none.metta
[ -e /dev/full ] && check "full disk" 4 "" "cannot write: No space" sh -c "'$program' --dump=ast small.metta >/dev/full"

# -- Hostile inputs --

head -c 1000000 /dev/zero | tr '\0' '(' >open.metta
check "a million (" 3 "" "^open.metta:1:1: unclosed" "$program" --dump=ast open.metta
{ cat open.metta; head -c 1000000 /dev/zero | tr '\0' ')'; } >nested.metta
check "a million nested" 0 "*" "" "$program" --dump=ast nested.metta
expect "a line each" [ "$(wc -l <out)" = 1000001 ]
expect "lines do not grow with the depth" [ "$(tail -n 1 out | tr -s ' ')" = "1:1000000-1:1000002 [999999] expression of 0" ]
expect "nor does the listing" [ "$(wc -c <out)" -lt 150000000 ]
{ printf '('; head -c 2000000 /dev/zero | tr '\0' ' ' | sed 's/ /a /g'; printf ')'; } >wide.metta
check "two million items" 0 "*" "" "$program" --dump=ast wide.metta
expect "all of them" [ "$(grep -c ' symbol a$' out)" = 2000000 ]
head -c 100000 /dev/urandom >random.metta
printf '\377' >>random.metta
check "random bytes" 3 "*" "^random.metta:[0-9]+:[0-9]+: " "$program" --dump=ast random.metta
printf 'a\0b "\\x1b"\n' >control.metta
check "control characters of a string" 0 "*" "" "$program" --dump=ast control.metta
expect "they are escapes" sh -c '! grep -q "$(printf "\033")" out'
end
