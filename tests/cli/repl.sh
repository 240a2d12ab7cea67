# The REPL over a pipe: no prompts, results, commands, errors that do not end it.
. "$(dirname "$0")/lib.sh"

repl() { # NAME STATUS STDOUT STDERR INPUT
    printf '%s\n' "$5" >input
    check "$1" "$2" "$3" "$4" sh -c "'$program' --repl <input"
}

repl "queries" 0 "[3]
[1, 2]" "" '!(+ 1 2)
(= (f) 1) (= (f) 2)
!(f)'
repl "several lines" 0 "[6]" "" '!(+ 1
    (+ 2

 3))'
repl "a bang alone waits for its form" 0 "[5]" "" '!
5'
repl "strings over lines" 0 '["a\nb"]' "" '! "a
b"'
repl "errors do not end it" 0 "*" "^  at \(/ 1 0\)  <repl>:1:2$" '!(/ 1 0)
!(+ 1 1)'
expect "the next query runs" grep -q '^\[2\]' out
repl "syntax errors do not end it" 0 "[2]" "^<repl>:1:2: " 'a)
!(+ 1 1)'
repl "end inside a form" 3 "" "^<repl>:1:1: " '(a'
repl ":quit" 0 "[1]" "" '! 1
:quit
! 2'
repl ":help" 0 "*" "" ':help'
expect ":help names the commands" sh -c "for c in load type doc rules space time quit; do grep -q \":\$c\" out || exit 1; done"
repl ":type" 0 "[Number]" "" ':type (+ 1 2)'
repl ":rules" 0 "(= (f 1) a)
(= (f 2) b)" "" '(= (f 1) a) (= (g) c) (= (f 2) b)
:rules f'
repl ":space" 0 "(a b)
c" "" '(a b) c
:space'
repl ":doc" 0 "*" "" ':doc car-atom'
expect ":doc tells" grep -qi "expression" out
repl ":time" 0 "[3]" "^[0-9.]+ (ns|us|ms|s)$" ':time (+ 1 2)'
repl ":stats" 0 "*" "" ':stats'
expect ":stats tells" grep -q "^queries" out
repl "unknown command" 0 "" "no command :nonsense" ':nonsense'
repl "missing argument" 0 "" ":load needs FILE" ':load'
repl ":log" 0 "*" "reduce" '(= (f) 1)
:log mettatron::backend::eval=trace
!(f)'
echo '(= (loaded) yes)' >loaded.metta
repl ":load" 0 "[yes]" "" ':load loaded.metta
!(loaded)'
repl ":load of nothing" 0 "" "none.metta: No such file" ':load none.metta'
printf '(= (l) (l))\n!(l)\n!(+ 1 1)\n' >input
check "a time limit ends one query only" 0 "*" "out of time" sh -c "'$program' --timeout=0.2 --repl <input"
expect "the next query runs" grep -q '^\[2\]' out
check "files first" 0 "[yes]" "" sh -c "echo '!(loaded)' | '$program' --repl loaded.metta"
end
