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

# The debugger in the REPL.
repl ":break" 0 "*" "" '(= (f $x) (g $x)) (= (g $x) (+ $x 1))
:break g
!(f 1)
bt
c
:debug delete
!(f 2)'
expect ":break stops" grep -q '^Breakpoint 1, (g 1)' out
expect "and goes on" sh -c 'grep -q "^\[2\]" out && grep -q "^\[3\]" out'
repl ":why" 0 "(f) => 1
  rule (= (f) 1)  <repl>:1" "" '(= (f) 1)
:why (f)'
repl "breakpoint! asks nobody" 0 "[()]" "" '!(breakpoint!)'

# Ctrl-C opens the debugger's prompt: c goes on, q comes back.
mkfifo keys
"$program" --repl <keys >out 2>err &
pid=$!
exec 3>keys
printf '(= (spin $n) (spin (+ $n 1)))\n!(started)\n!(spin 0)\n' >&3
wait_for out started
sleep 0.3
kill -INT $pid
wait_for out '^Paused'
printf 'bt 2\np (+ 40 2)\nc\n' >&3
wait_for out '^42'
sleep 0.3
kill -INT $pid
printf 'q\n!(+ 1 1)\n' >&3
exec 3>&-
wait $pid
expect "Ctrl-C pauses twice" [ "$(grep -c '^Paused' out)" = 2 ]
expect "what is at work is seen" grep -q 'spin' out
expect "q comes back" grep -q '^\[2\]' out
end
