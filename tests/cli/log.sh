# Logging from the command: filters, formats, where it goes.
. "$(dirname "$0")/lib.sh"

cat >fib.metta <<'END'
(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))
!(fib 5)
END
"$program" fib.metta >plain

check "RUST_LOG shows reductions" 0 "[5]" "^TRACE mettatron::backend::eval: " \
    env RUST_LOG=mettatron::backend::eval=trace "$program" fib.metta
expect "the output is what it is without" cmp out plain
check "METTA_LOG goes before RUST_LOG" 0 "[5]" "" env METTA_LOG=off RUST_LOG=trace "$program" fib.metta
check "--log goes before both" 0 "[5]" "^TRACE " env METTA_LOG=off "$program" --log=trace fib.metta
check "a target without a level" 0 "[5]" "^TRACE mettatron::backend::eval" \
    env METTA_LOG=metta::backend "$program" fib.metta
expect "no other target" sh -c '! grep -v "^TRACE mettatron::backend::eval: " err'
check "blanks" 0 "[5]" "*" env METTA_LOG=' warn, metta::backend=trace' "$program" fib.metta
expect "blanks do not matter" grep -q "^TRACE mettatron::backend::eval" err
check "an unknown target" 0 "[5]" "mettatron::jit'" env METTA_LOG=metta::jti=debug "$program" fib.metta
expect "one warning" sh -c '[ "$(wc -l <err)" = 1 ]'
check "a wrong directive from the environment" 0 "[5]" "ignoring .*x=loud" env METTA_LOG=x=loud "$program" fib.metta
check "a wrong directive from --log" 2 "" "x=loud" "$program" --log=x=loud fib.metta
check "--log=help" 0 "*" "" "$program" --log=help
expect "it lists the targets" sh -c '[ "$(grep -c "^mettatron::" out)" -ge 10 ]'
check "JSON lines" 0 "[5]" '^\{"timestamp"' "$program" --log=trace --log-format=json fib.metta
if command -v python3 >/dev/null; then
    expect "every line is JSON with its fields" python3 -c '
import json
for line in open("err"):
    o = json.loads(line)
    assert o["timestamp"] and o["level"] and o["target"].startswith("mettatron::") and "message" in o["fields"]'
fi
check "full lines have the time" 0 "[5]" '^[0-9-]+T[0-9:.]+Z TRACE ' "$program" --log=trace --log-format=full fib.metta
check "bad format" 2 "" "is no FORMAT" "$program" --log-format=xml fib.metta
printf '(= (f $x) $x)\n!(f "a\\x1b[31mb")\n' >escape.metta
check "escapes" 0 "*" "*" "$program" --log=trace escape.metta
expect "no raw escape byte" sh -c '! grep -q "$(printf "\033")" err'

# -- The program's own tracing --

echo '(= (f $x) (trace! ("at f" $x) (+ $x 1)))
!(f 1)' >trace.metta
for tier in 0 1; do
    check "trace!, tier $tier" 0 "[2]" '^\("at f" 1\)$' "$program" --tier=$tier trace.metta
    expect "it does not need the log" [ "$(wc -l <err)" = 1 ]
    check "trace! in the log, tier $tier" 0 "[2]" \
        '^TRACE mettatron::vm::trace: Trace msg=\("at f" 1\) value=\(\+ 1 1\)$' \
        "$program" --tier=$tier --log=mettatron::vm::trace=trace trace.metta
    expect "and on standard error" grep -qx '("at f" 1)' err
done
check "trace! picked by its message" 0 "*" "*" \
    "$program" --log='mettatron::vm::trace[{msg=two}]=trace' -e '!(trace! one 1) !(trace! two 2)'
expect "one line" [ "$(grep -c "^TRACE" err)" = 1 ]
check "trace! as JSON" 0 "[2]" '"message":"Trace","msg":"\(\\"at f\\" 1\)","value":"\(\+ 1 1\)"' \
    "$program" --log=mettatron::vm::trace=trace --log-format=json trace.metta
printf '!(trace! "a\\x1b[31m" 1)\n' >escape.metta
check "escapes of a traced message" 0 "[1]" "*" "$program" --log=mettatron::vm::trace escape.metta
expect "no raw escape byte in the log" sh -c '! grep "^TRACE" err | grep -q "$(printf "\033")"'

# -- Breakpoints of programs --

echo '(= (f $x) (let () (breakpoint! (> $x 2)) $x))
!(f 1) !(f 2) !(f 3) !(breakpoint!)' >breakpoint.metta
for tier in 0 1; do
    check "a breakpoint is silent, tier $tier" 0 "[1]
[2]
[3]
[()]" "" "$program" --tier=$tier breakpoint.metta
    check "a breakpoint in the log, tier $tier" 0 "*" \
        "^DEBUG mettatron::vm::breakpoint: Breakpoint hit hit=1 function=f$" \
        "$program" --tier=$tier --log=mettatron::vm::breakpoint=debug breakpoint.metta
    expect "its hits are counted" grep -qx "DEBUG mettatron::vm::breakpoint: Breakpoint hit hit=2 function=" err
    expect "a condition that does not hold is no hit" [ "$(wc -l <err)" = 2 ]
done
check "the command of the guide" 0 "*" "^DEBUG mettatron::vm::breakpoint: " \
    env RUST_LOG=mettatron::vm::breakpoint=debug,mettatron::jit::runtime::breakpoint=debug "$program" breakpoint.metta

# -- Compiled code --

cat >coins.metta <<'END'
(= (inc $x) (+ $x 1))
(= (coin) heads)
(= (coin) tails)
!(inc 1) !(coin) !(inc wrong)
END
hybrid=mettatron::jit::hybrid
check "calls of compiled code" 0 "*" "^TRACE $hybrid::execute: Executing chunk chunk_id=1 tier=Bytecode goal=\(inc 1\)$" \
    "$program" --tier=1 --log=$hybrid::execute=trace coins.metta
expect "exits, with their place" grep -q "execute: Bailout to the interpreter bailout_ip=[0-9]* reason=TypeError function=inc op=guard_add_small at=coins.metta:1:13 expected=Int|Float found=wrong$" err
check "the output is what it is without" 0 "$(cat out)" "" "$program" --tier=1 coins.metta
check "alternatives of compiled code" 0 "*" "^DEBUG $hybrid::backtrack: Backtracking iteration=1 choice_points=0 results=1$" \
    "$program" --tier=1 --log=$hybrid::backtrack=debug coins.metta
expect "only they" [ "$(wc -l <err)" = 1 ]
check "why the interpreter" 0 "*" "^TRACE $hybrid::execute: Tier selected tier=Interpreter function=inc reason=too few calls so far$" \
    "$program" --tiers=5 --log=$hybrid::execute=trace coins.metta
check "the evaluator's log alone keeps to the interpreter" 0 "*" "reduce goal=\(inc 1\)" \
    "$program" --tier=1 --log=mettatron::backend::eval=trace coins.metta
check "everything is logged: functions are compiled" 0 "*" "Executing chunk" "$program" --tier=1 --log=trace coins.metta
echo '(= (f $x $y) (let $z (+ $x $y) (let () (breakpoint! (> $z 2)) (trace! at (* $z 2)))))
!(f 1 1) !(f 1 2)' >values.metta
check "values and frames of compiled code" 0 "*" "^TRACE mettatron::jit::runtime::debug: Stack dump sp=0 function=f ip=[0-9]+$" \
    "$program" --tier=1 --log=mettatron::jit::runtime::debug=trace values.metta
expect "the value of trace!" grep -Eq "debug: Debug print jv=\(\* 3 2\) val=0x7ffc[0-9a-f]{12}$" err
expect "its locals" grep -qx "TRACE mettatron::jit::runtime::debug:   Local index=2 val=0x7ff8000000000003 jv=3" err
expect "a condition that does not hold is no hit" [ "$(grep -c "Stack dump" err)" = 1 ]
end
