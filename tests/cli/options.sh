# The command line: options, inputs, exit statuses, output.
. "$(dirname "$0")/lib.sh"

cat >two.metta <<'END'
(= (f) 1)
(= (f) 2)
!(f)
!(println! "text")
END
echo '!(f)' >use.metta
echo '! 1 !(/ 1 0) ! 2' >error.metta
printf '! 1\n(a\n' >open.metta
printf '! 1\n  ))\n' >bracket.metta

check "a file" 0 "[1, 2]
text
[()]" "" "$program" two.metta
check "several files, one world" 0 "[1, 2]
text
[()]
[1, 2]" "" "$program" two.metta use.metta
check "standard input" 0 "[3]" "" sh -c "echo '!(+ 1 2)' | '$program' -"
check "-e evaluates one expression" 0 "[3]" "" "$program" -e '(+ 1 2)'
check "-e takes a query" 0 "[3]" "" "$program" -e '!(+ 1 2)'
check "-e runs several forms" 0 "[7]" "" "$program" -e '(= (g) 7) !(g)'
check "-e defines" 0 "[7]" "" "$program" -e '(= (g) 7)' -e '(g)'
check "files and -e in order" 0 "[1, 2]
text
[()]
[1, 2]" "" "$program" two.metta -e '(f)'
check "--eval=EXPR" 0 "[3]" "" "$program" --eval='(+ 1 2)'
check "--sexpr" 0 "1
2
(a \"b\")" "" "$program" --sexpr -e '(= (f) 1) (= (f) 2) !(f)' -e '(a "b")'
check "--" 4 "" "^mettatron: --sexpr: " "$program" -- --sexpr

check "help" 0 "*" "" "$program" --help
expect "help names every option" sh -c "for o in eval repl output sexpr include-path strict-mode max-memory max-depth timeout log log-format help version; do grep -q -- --\$o out || exit 1; done"
expect "help shows the exit statuses" grep -q "^  124  " out
check "-h" 0 "*" "" "$program" -h
check "version" 0 "mettatron $("$root/tools/version")" "" "$program" -v
check "--version" 0 "mettatron $("$root/tools/version")" "" "$program" --version

check "no arguments" 2 "" "no FILE" sh -c "'$program' </dev/null"
check "unknown option" 2 "" "no option --nonsense" "$program" --nonsense
check "unknown letter" 2 "" "no option -z" "$program" -z
check "missing value" 2 "" "needs a EXPR" "$program" -e
check "unwanted value" 2 "" "takes no value" "$program" --sexpr=1
check "bad size" 2 "" "'12Q' is no SIZE" "$program" --max-memory=12Q -e 1
check "bad number" 2 "" "is no N" "$program" --max-depth=-1 -e 1
check "bad time" 2 "" "is no SECONDS" "$program" --timeout=soon -e 1
check "size units" 0 "[1]" "" "$program" --max-memory=1G --max-memory=512m --max-memory 65536K -e 1

check "a query that ends in an error" 1 "*" "^  at \(/ 1 0\)  error.metta:1:6$" "$program" error.metta
expect "the error ends the program" sh -c '[ "$(head -n 1 out)" = "[1]" ] && [ "$(wc -l <out)" = 2 ]'
check "an error in a -e" 1 "*" "^  at \(/ 1 0\)$" "$program" -e '(/ 1 0)' -e '2'
expect "later inputs are not run" sh -c '[ "$(wc -l <out)" = 1 ]'
check "an error inside a result is none" 0 "[(quote (Error a b))]" "" "$program" -e '(quote (Error a b))'
check "unfinished form" 3 "[1]" "^open.metta:2:1: " "$program" open.metta
check "unexpected bracket" 3 "[1]" "^bracket.metta:2:3: " "$program" bracket.metta
expect "the caret stands under the place" sh -c "[ \"\$(tail -n 2 err)\" = '    ))
    ^' ]"
check "missing file" 4 "" "^mettatron: none.metta: No such file" "$program" none.metta
check "a directory" 4 "" "^mettatron: /: Is a directory" "$program" /
check "unwritable output" 4 "" "^mettatron: /nonexistent/out: " "$program" -o /nonexistent/out -e 1
[ -e /dev/full ] && check "full disk" 4 "" "cannot write: No space" sh -c "'$program' -e 1 >/dev/full"
check "time limit" 124 "*" "out of time" "$program" --timeout=0.2 -e '(= (l) (l)) !(l)'
check "time limit with growing data" 124 "*" "out of time" "$program" --timeout=0.2 -e '(= (l $x) (l (+ $x 1))) !(l 0)'
check "depth limit" 1 "*" "^  at \(d 0\)  <expression>:1:16$" "$program" --max-depth=100 -e '(= (d $x) (+ 1 (d $x))) !(d 0)'
expect "StackOverflow" grep -q StackOverflow out
check "memory limit" 5 "*" "out of memory" "$program" --max-memory=48M -e '(= (d $x) (+ 1 (d (+ 1 $x)))) !(d 0)'
expect "the last result says so" grep -q StackOverflow out

check "-o" 0 "" "" "$program" -o result.txt two.metta
expect "-o holds results and program output" sh -c '[ "$(cat result.txt)" = "[1, 2]
text
[()]" ]'

# Each result is out before the next query begins.
mkfifo pipe
(sleep 5 && echo) >pipe &
feeder=$!
printf '! 1\n!(nop)\n' >first.metta
"$program" first.metta pipe >streamed 2>/dev/null &
reader=$!
for _ in 1 2 3 4 5 6 7 8 9 10; do
    grep -q '^\[1\]' streamed && break
    sleep 0.1
done
expect "results are flushed as each query ends" grep -q '^\[1\]' streamed
kill $reader $feeder 2>/dev/null
wait 2>/dev/null

# Ctrl-C.
"$program" -e '! 1 (= (l) (l)) !(l)' >interrupted 2>interrupted.err &
pid=$!
sleep 0.5
kill -INT $pid
wait $pid
expect "interrupt ends with 130" [ $? = 130 ]
expect "interrupt is told" grep -q interrupted interrupted.err
expect "results before the interrupt stay" grep -q '^\[1\]' interrupted

mkdir -p modules
echo '(= (from-module) 42)' >modules/lib-x.metta
check "-I" 0 "[()]
[42]" "" "$program" -I modules -e '!(import! &self lib-x) !(from-module)'
check "--include-path=" 0 "[()]
[42]" "" "$program" --include-path=modules -e '!(import! &self lib-x) !(from-module)'

end
