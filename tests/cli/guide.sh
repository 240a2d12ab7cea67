# The command lines of MeTTaTron's debug guide, each typed with this program: they do what the guide says they do.  Those about native code
# are skipped where there is none, and counted.
. "$(dirname "$0")/lib.sh"

cat >input.metta <<'END'
(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))
(= (coin) heads)
(= (coin) tails)
(= (inc $x)
   (+ $x 1))
(= (count $n) (if (< $n 1) (inc zero) (count (- $n 1))))
(= (watched $x) (let () (breakpoint! (> $x 100)) (trace! seen (+ $x 1))))
(= (watch $n) (if (< $n 1) done (let $ignored (watched $n) (watch (- $n 1)))))
!(fib 10)
!(count 150)
!(watch 102)
!(pair (coin) (coin))
END
"$program" input.metta >plain 2>/dev/null
printf '(= (f $x) (car-atom $x))\n!(f ())\n' >error.metta

skipped=0
exits=$("$program" --stats=json input.metta 2>&1 >/dev/null | sed -n 's/.*"jit_bailouts": \([0-9]*\).*/\1/p')
# native NAME COMMAND...: an expectation about native code, where there is such and is counted: calls of this program leave it.
native() {
    if [ "${exits:-0}" -gt 0 ]; then expect "$@"; else skipped=$((skipped + 1)); fi
}

# typed LINE: run a line of the guide, where mettatron is this program; its output is in out, the log in err.
mettatron() { "$program" "$@"; }
typed() {
    (eval "$1") >out 2>err
    status=$?
    if [ $status = 0 ]; then pass; else fail "$1" "status $status" "$(head -c 300 err)"; fi
}
# shows PATTERN, hides PATTERN: in the log of the line typed last.
shows() { expect "shows $1" grep -Eq -- "$1" err; }
hides() { expect "hides $1" sh -c '! grep -Eq -- "$1" err' sh "$1"; }
# only TARGET: every line of the log is of this target, whatever the program itself prints there.
only() { expect "only $1" sh -c '! grep -E "^ *(TRACE|DEBUG|INFO|WARN|ERROR) " err | grep -Evq "^ *[A-Z]+ $1"' sh "$1"; }
same_output() { expect "the output stays as it is" cmp out plain; }

jit=mettatron::jit
hybrid=$jit::hybrid

# -- Quick Start --

typed 'RUST_LOG=trace mettatron input.metta'
shows "^TRACE $hybrid::execute: Executing chunk chunk_id=[0-9]+ tier=Bytecode goal=\(fib 10\)$"
shows "^TRACE mettatron::vm::trace: |^TRACE $jit::runtime::trace: "
shows "^DEBUG mettatron::vm::breakpoint: |^DEBUG $jit::runtime::breakpoint: "
same_output
typed "RUST_LOG=$jit::runtime=trace mettatron input.metta"
shows "^TRACE $jit::runtime::debug: "
only "$jit::runtime"
native "it shows traces of native code" grep -q "^TRACE $jit::runtime::trace: " err
typed "RUST_LOG=$jit=debug mettatron input.metta"
shows "^DEBUG $hybrid::compile: compiled to bytecode function=fib"
hides "^TRACE "
only "$jit"

# -- Execution tracing: what is logged --

typed "RUST_LOG=$hybrid=trace mettatron input.metta"
shows "^TRACE $hybrid::execute: Executing chunk chunk_id=[0-9]+ tier="
shows "^DEBUG $hybrid::backtrack: Backtracking iteration=[0-9]+ choice_points=[0-9]+ results=[0-9]+$"
shows "reason=TypeError function=inc op=[a-z_]+ at=input.metta:5:4 "
native "native code is entered" grep -Eq "^TRACE $hybrid::execute: JIT entry native_ptr=0x[0-9a-f]+" err
native "and left" grep -Eq "^TRACE $hybrid::execute: JIT completed results_count=[0-9]+" err
typed "RUST_LOG=$hybrid::execute=trace mettatron --tiers=5 input.metta"
shows "^TRACE $hybrid::execute: Tier selected tier=Interpreter function=fib reason="

# -- Trace, breakpoint, values --

typed "RUST_LOG=mettatron::vm::trace=trace,$jit::runtime::trace=trace mettatron input.metta"
shows "^TRACE mettatron::vm::trace: Trace msg=seen value=\(\+ 102 1\)$"
expect "each of them is logged once" [ "$(grep -c '^TRACE ' err)" = 102 ]
native "those of native code" grep -q "^TRACE $jit::runtime::trace: " err
typed "RUST_LOG=mettatron::vm::breakpoint=debug,$jit::runtime::breakpoint=debug mettatron input.metta"
expect "both hits, each once" [ "$(grep -c '^DEBUG ' err)" = 2 ]
same_output
typed "RUST_LOG=$jit::runtime::debug=trace mettatron input.metta"
shows "^TRACE $jit::runtime::debug: Debug print jv=\(\+ 102 1\) val=0x[0-9a-f]{16}$"
shows "^TRACE $jit::runtime::debug: Stack dump sp=0 "
shows "^TRACE $jit::runtime::debug:   Local index=0 val=0x7ff8000000000066 jv=102$"
only "$jit::runtime::debug"

# -- Monitoring bailouts --

typed "RUST_LOG=$hybrid::execute=trace mettatron input.metta"
shows "bailout_ip=[0-9]+ reason=[A-Za-z]+ "
native "with the guide's words" grep -Eq "^ WARN $hybrid::execute: JIT bailout bailout_ip=[0-9]+ reason=[A-Za-z]+" err
only "$hybrid::execute"

# -- Workflow 1: tracing a program --

typed 'RUST_LOG=mettatron=trace mettatron input.metta 2>&1 | head -500'
expect "500 lines" [ "$(wc -l <out)" = 500 ]
expect "of several targets" [ "$(sed -n 's/^ *[A-Z]* \(mettatron::[a-z:]*\): .*/\1/p' out | sort -u | wc -l)" -ge 3 ]
typed "RUST_LOG=$hybrid::execute=trace mettatron input.metta"
only "$hybrid::execute"
typed 'RUST_LOG=mettatron=trace mettatron input.metta 2>&1 | grep "Bailout\|Error"'
expect "exits are found so" grep -q "Bailout to the interpreter bailout_ip=" out
typed 'RUST_LOG=mettatron=trace mettatron error.metta 2>&1 | grep "Bailout\|Error"'
expect "errors are found so" grep -q "(Error " out

# -- Workflow 2: performance --

check "figures as JSON" 0 "*" "*" sh -c "'$program' --stats=json input.metta 2>&1 >/dev/null | grep '^{' >figures"
expect "what the workflow looks at" python3 -c '
import json
s = json.load(open("figures"))
assert 0 <= s["jit_hit_rate"] <= 100 and s["bailout_rate"] >= 0
assert sum(s["bailouts_by_reason"].values()) == s["jit_bailouts"]'
native "the hit rate" python3 -c 'import json; assert json.load(open("figures"))["jit_hit_rate"] > 0'
typed "RUST_LOG=$hybrid::execute=debug mettatron input.metta"
hides "^TRACE "

# -- Workflow 3: bailouts --

typed "RUST_LOG=$hybrid::execute=trace mettatron input.metta 2>&1 | grep bailout"
expect "offset and reason" grep -Eq "bailout_ip=[0-9]+ reason=TypeError function=inc" out
ip=$(sed -n 's/.*bailout_ip=\([0-9]*\) reason=TypeError function=inc op=\([a-z_]*\) .*/\1/p' out | head -n 1)
typed 'mettatron --dump=bytecode:inc input.metta'
expect "the listing has the offset, with its line" grep -Eq "^$(printf %04d "${ip:-9999}") +5  guard_" out

# -- Workflow 4: hot paths --

expect "executions by tier" python3 -c '
import json
t = json.load(open("figures"))["tiered_stats"]
assert t["jit_stage1_runs"] + t["jit_stage2_runs"] + t["bytecode_runs"] > 300
assert 0 <= t["jit_percentage"] <= 100'
native "runs of native code" python3 -c 'import json; assert json.load(open("figures"))["tiered_stats"]["jit_stage1_runs"] > 0'
check "how far functions are" 0 "*" "^  hot_chunks +[1-9]" "$program" --stats input.metta
expect "the thresholds" grep -q "^thresholds: .* after 100, " err

# -- Recommended filters --

typed 'RUST_LOG=mettatron=debug mettatron input.metta'
shows "^DEBUG "
hides "^TRACE "
same_output
typed "RUST_LOG=$hybrid=debug mettatron input.metta"
shows "^DEBUG $hybrid::compile: "
shows "^DEBUG $hybrid::backtrack: "
only "$hybrid"
typed "RUST_LOG=$hybrid::execute=trace,$hybrid::backtrack=trace mettatron input.metta"
shows "^TRACE $hybrid::execute: "
shows " $hybrid::backtrack: "
only "$hybrid::(execute|backtrack)"
typed "RUST_LOG=$hybrid::execute=trace mettatron input.metta"
shows "reason=TypeError"
typed "RUST_LOG=$hybrid::compile=debug,$jit::compiler=debug mettatron input.metta"
shows "^DEBUG $hybrid::compile: compiled to bytecode function=fib reason=compiled$"
only "$hybrid::compile|$jit::compiler"
native "native compilations" grep -q "^DEBUG $hybrid::compile: JIT compiled function=" err
typed "RUST_LOG=$jit::runtime::debug=trace,$jit::runtime::trace=trace mettatron input.metta"
shows "^TRACE $jit::runtime::debug: "
only "$jit::runtime::(debug|trace)"

# -- Disassembly --

typed 'mettatron --dump=bytecode:fib input.metta'
expect "name" grep -qx "=== fib/1 ===" out
expect "sizes" grep -Eqx "locals: [0-9]+, upvalues: [0-9]+, arity: 1" out
expect "offset, line, mnemonic, operand, comment" grep -Eqx "[0-9]{4} +1  [a-z_]+ +[0-9 -]+ +; .+" out

# -- When nothing is shown --

typed "RUST_LOG=$hybrid::execute mettatron input.metta"
shows "^TRACE $hybrid::execute: "
typed "RUST_LOG=mettatron::jti=trace mettatron input.metta"
shows "no log target begins with 'mettatron::jti'; the nearest is "

[ $skipped = 0 ] || echo "skipped: $skipped about native code, which this build has not"
end
