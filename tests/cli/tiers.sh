# Execution tiers: the options, and that compiled functions follow every change of the rules and types they came from.
. "$(dirname "$0")/lib.sh"

# -- Options --

check "tier 0 runs the example" 0 "*" "" "$program" --tier=0 "$root/examples/fib.metta"
mv out tier0
check "tier 1 gives the same" 0 "$(cat tier0)" "" "$program" --tier=1 "$root/examples/fib.metta"
check "so does the default" 0 "$(cat tier0)" "" "$program" "$root/examples/fib.metta"
check "and a threshold" 0 "$(cat tier0)" "" "$program" --tiers=3 "$root/examples/fib.metta"
check "thresholds of all tiers" 0 "[1]" "bytecode_threshold +10$" "$program" --tiers=10,100,500 --stats=text -e '!(if True 1 2)'
check "no fourth" 2 "" "is no CALLS" "$program" --tiers=1,2,3,4 -e 1
check "none left out" 2 "" "is no CALLS" "$program" --tiers=1,,3 -e 1
check "no tier 3 yet" 2 "" "--tier: this build has no tier 3; its highest is [12]$" "$program" --tier=3 -e 1
check "a tier is a number" 2 "" "is no N" "$program" --tier=fast -e 1
check "a threshold is a number" 2 "" "is no CALLS" "$program" --tiers=soon -e 1
check "--stats alone is text" 0 "[1]" "^queries +1$" "$program" --stats -e 1
check "what to dump" 2 "" "is no WHAT" "$program" --dump=machine-code -e 1
check "what to dump, exactly" 2 "" "is no WHAT" "$program" --dump=bytecodes -e 1
check "format of the figures" 2 "" "is no FORMAT" "$program" --stats=xml -e 1
check "help" 0 "*" "" "$program" --help
expect "help names the options" sh -c 'for o in tier= tiers= dump= "stats\\[=" jit-log; do grep -q -- "--$o" out || exit 1; done'

# -- Listings --

echo '(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))' >fib.metta
check "a listing" 0 "*" "" "$program" --dump=bytecode:fib fib.metta
expect "its header" grep -qx "=== fib/1 ===" out
expect "its sizes" grep -Eqx "locals: [0-9]+, upvalues: 0, arity: 1" out
expect "its instructions" grep -Eqx "[0-9]{4} +1 +load_local +0" out
check "a full listing" 0 "*" "" "$program" --dump=bytecode-full:fib fib.metta
expect "a full listing has all tables" sh -c 'for t in "max stack" constants slots templates functions expressions places depends; do grep -q "^$t:" out || exit 1; done'
check "a full listing of all" 0 "*" "" "$program" --dump=bytecode-full fib.metta
check "what to dump, exactly so" 2 "" "is no WHAT" "$program" --dump=bytecode-fuller -e 1
check "a name without rules" 0 "" "" "$program" --dump=bytecode:nobody fib.metta
check "a function that is not compiled" 0 "=== f/1 ===
not compiled: a rule whose head is a variable may apply" "" "$program" --dump=bytecode:f -e '(= (f 0) 0) (= ($f 1) $f)'
check "all functions" 0 "*" "" "$program" --dump=bytecode -e '(= (f $x) 1) (= (f $x $y) 1) (= (g) 1)'
expect "one listing for each number of arguments" [ "$(grep -c '^=== ' out)" = 3 ]
check "no bytecode in tier 0" 0 "no bytecode in tier 0" "" "$program" --tier=0 --dump=bytecode fib.metta
check "the listing follows the results" 0 "*" "" "$program" --dump=bytecode:f -e '(= (f) 1) !(f)'
expect "in this order" [ "$(head -n 2 out)" = "[1]
=== f/0 ===" ]

check "a pass" 0 "=== f/1 before fold ===
     1  push_const        1              ; Pair
     1  eval_local        0
     1  push_long_small   2
     1  push_long_small   3
     1  mul
     1  make_sexpr        3
     1  return
     -  stuck

=== f/1 after fold ===
     1  push_const        1              ; Pair
     1  eval_local        0
     1  push_long_small   6
     1  make_sexpr        3
     1  return
     -  stuck" "" "$program" --dump=pass:fold:f -e '(= (f $x) (Pair $x (* 2 3))) (= (g) 1)'
check "labels" 0 "*" "" "$program" --dump=pass:thread:fib fib.metta
expect "where they stand" grep -Eqx "L[0-9]+:" out
expect "and where they are jumped to" grep -Eq "guard_number +0 L[0-9]+$" out
for pass in $(sed -n 's/^PASS([a-z]*, "\([a-z]*\)".*/\1/p' "$root/src/code/passes.inc"); do
    check "pass $pass of all functions" 0 "*" "" "$program" --dump=pass:$pass "$root/examples/fib.metta"
    expect "its code" grep -Eq "^=== .* (before|after) $pass ===$" out
done
check "no such pass" 2 "" "is no WHAT" "$program" --dump=pass:none -e 1
check "no pass named" 2 "" "is no WHAT" "$program" --dump=pass: -e 1
check "passes in tier 0" 0 "no bytecode in tier 0" "" "$program" --tier=0 --dump=pass:fold fib.metta

# -- Figures --

check "figures as text" 0 "[55]" "^bytecode_runs +[1-9]" "$program" --tier=1 --stats=text fib.metta -e '(fib 10)'
expect "one function was compiled" grep -Eq "^chunks +1$" err
check "figures of tier 0" 0 "[55]" "^bytecode_runs +0$" "$program" --tier=0 --stats=text fib.metta -e '(fib 10)'
check "figures as JSON" 0 "[55]" "*" "$program" --tier=1 --stats=json fib.metta -e '(fib 10)'
expect "they are JSON with the keys that stay" python3 -c '
import json
figures = json.load(open("err"))
keys = """queries steps run_ns interpreter_runs bytecode_runs chunks expired_chunks choice_points vm_instructions bytecode_threshold heap_bytes stored_bytes minor_collections
          major_collections symbols""".split()
assert all(type(figures[key]) is int for key in keys)
assert figures["queries"] == 1 and figures["chunks"] == 1 and figures["bytecode_runs"] >= 177'
check "the log tells what is compiled" 0 "[55]" "compiled to bytecode function=fib" \
    "$program" --tier=1 --log=mettatron::jit::hybrid::compile=debug fib.metta -e '(fib 10)'
check "and what is not, and why" 0 "[0, 0]" "not compiled function=f reason=a rule whose head is a variable" \
    "$program" --tier=1 --log=mettatron::jit::hybrid::compile=debug -e '(= (f 0) 0) (= ($g 0) 0) !(f 0)'

# -- Changes --

# both NAME OUTPUT PROGRAM: the same results in both tiers, and with a threshold that is passed on the way.  The calls come
# from a compiled function, too.
both() {
    check "$1, tier 0" 0 "$2" "" "$program" --tier=0 -e "$3"
    check "$1, tier 1" 0 "$2" "" "$program" --tier=1 -e "$3"
    check "$1, after 1 call" 0 "$2" "" "$program" --tiers=1 -e "$3"
}

# Only what depends on a change is compiled again: f, not its caller g, nor h.
check "a rule expires the function" 0 "*" "^expired_chunks +1$" "$program" --tier=1 --stats=text \
    -e '(= (f 1) one) (= (g $x) (f $x)) (= (h $x) (+ $x 1)) !(g 1) !(h 1) !(add-atom &self (= (f 2) two)) !(g 2) !(h 2)'
expect "f is compiled again" grep -Eq "^chunks +4$" err
check "and nothing else when it goes" 0 "*" "^expired_chunks +1$" "$program" --tier=1 --stats=text \
    -e '(= (f 1) one) (= (g $x) (P (f $x))) !(g 1) !(remove-atom &self (= (f 1) one)) !(g 1)'
check "a type expires the callers, too" 0 "*" "^expired_chunks +2$" "$program" --tier=1 --stats=text \
    -e '(= (f 1) one) (= (g $x) (f $x)) (= (h $x) (+ $x 1)) !(g 1) !(h 1) !(add-atom &self (: f (-> Atom Atom))) !(g 1) !(h 2)'
check "a rule for what was data does" 0 "*" "^expired_chunks +1$" "$program" --tier=1 --stats=text \
    -e '(= (g $x) (D $x)) (= (h $x) (+ $x 1)) !(g 1) !(h 1) !(add-atom &self (= (D 1) one)) !(g 1) !(h 2)'
check "a rule that was carried out in place does" 0 "*" "^expired_chunks +1$" "$program" --tier=1 --stats=text \
    -e '(: choose (-> Bool Atom %Undefined%)) (= (choose True $x) $x) (= (g $x) (choose (> $x 0) (+ $x 1))) !(g 1)
        !(add-atom &self (= (choose False $x) no)) !(g 1)'
check "a rule for an operation does" 0 "*" "^expired_chunks +1$" "$program" --tier=1 --stats=text \
    -e '(= (g $x) (if (> $x 0) 1 2)) (= (h $x) (+ $x 1)) !(g 1) !(h 1) !(add-atom &self (= (if maybe $a $b) $a)) !(g 1) !(h 1)'
check "facts expire nothing" 0 "*" "^expired_chunks +0$" "$program" --tier=1 --stats=text \
    -e '(= (f $x) (add-atom &self (fact $x))) !(f 1) !(f 2)'
check "a rule for any head expires all" 0 "*" "^expired_chunks +2$" "$program" --tier=1 --stats=text \
    -e '(= (f $x) $x) (= (h $x) (+ $x 1)) !(f 1) !(h 1) !(add-atom &self (= ($any x) 1)) !(h 2)'

both "a rule is added" "[one]
[(f 2)]
[()]
[two]
[one]" '(= (f 1) one) (= (g $x) (f $x))
!(g 1) !(g 2) !(add-atom &self (= (f 2) two)) !(g 2) !(g 1)'
both "a second rule for the same call" "[one]
[()]
[one, uno]" '(= (f $x) one) (= (g $x) (f $x))
!(g 1) !(add-atom &self (= (f $x) uno)) !(g 1)'
both "a rule is removed" "[one]
[two]
[()]
[(f 1)]
[two]" '(= (f 1) one) (= (f 2) two) (= (g $x) (f $x))
!(g 1) !(g 2) !(remove-atom &self (= (f 1) one)) !(g 1) !(g 2)'
both "a rule is replaced" "[1]
[()]
[()]
[2]" '(= (f) 1) (= (g) (f))
!(g) !(remove-atom &self (= (f) 1)) !(add-atom &self (= (f) 2)) !(g)'
both "the only rule of a function is removed" "[1]
[()]
[(f)]" '(= (f) 1) (= (g) (f)) !(g) !(remove-atom &self (= (f) 1)) !(g)'
both "data become a function" "[(Pair 1 (Item 1))]
[()]
[(Pair 1 item)]" '(= (f $x) (Pair $x (Item $x)))
!(f 1) !(add-atom &self (= (Item $x) item)) !(f 1)'
both "a type is removed" "[(Got (+ 0 1))]
[()]
[(Got 1)]" '(: f (-> Atom Atom)) (= (f $x) (Got $x)) (= (g) (f (+ 0 1)))
!(g) !(remove-atom &self (: f (-> Atom Atom))) !(g)'
both "a function while it runs" "[(f2 (f1 end))]" '(= (f) (let $u (add-atom &self (= (h) end)) (f2 (f1 (h)))))
!(f)'
both "a rule whose head is a variable" "[2]
[()]
[2]
[6, wild]" '(= (f $x) (+ $x 1)) (= (g $x) (f $x))
!(g 1) !(add-atom &self (= ($h 5) wild)) !(f 1) !(f 5)'
both "it goes again" "[2]
[()]
[()]
[6]" '(= (f $x) (+ $x 1)) !(f 1) !(add-atom &self (= ($h 5) wild)) !(remove-atom &self (= ($h 5) wild)) !(f 5)'
both "a rule for if" "[1]
[()]
[1, mine]" '(= (f $x) (if $x 1 2)) !(f True) !(add-atom &self (= (if True $x $y) mine)) !(f True)'
both "a rule read as text" "[1]
[1, 2]" '(= (f) 1) (= (g) (f)) !(g) (= (f) 2) !(g)'

# A type makes calls errors; the error ends the run.
typed='(= (f $x) $x) (= (g $x) (f $x)) !(g 1) !(add-atom &self (: f (-> String String))) !(g 1)'
check "a type is added, tier 0" 1 "*" "^  at \(f 1\)" "$program" --tier=0 -e "$typed"
mv out tier0
expect "the type is seen" grep -q "BadArgType 1 String Number" tier0
check "a type is added, tier 1" 1 "$(cat tier0)" "^  at \(f 1\)" "$program" --tier=1 -e "$typed"
# Native code that comes and goes: many functions that call each other deeply, in room for a few of them.
if "$program" --tier=2 -e 1 >/dev/null 2>&1; then
    awk 'BEGIN {
        for (i = 0; i < 150; i++) {
            printf "(= (f%d $n) (if (< $n 1) %d (+ (g%d $n) (f%d (- $n 1)))))\n", i, i, i, (i * 7 + 1) % 150
            printf "(= (g%d $n) (let $x (* $n %d) (if (== $x 3) (h (Pair $x $n)) (- $x 1))))\n", i, i
        }
        print "(= (h (Pair $a $b)) (+ $a $b)) (= (h (Pair $a $b)) (- $a $b))"
        for (i = 0; i < 150; i += 3) printf "!(f%d %d)\n", i, 40 + i
    }' >many.metta
    "$program" --tier=1 many.metta >many.out
    check "little room for native code" 0 "$(cat many.out)" "dropped .*no room" \
        "$program" --tier=2 --jit-cache=16K --log=mettatron::jit=debug many.metta
    check "machine code" 0 "*" "" "$program" --tier=2 --dump=native:inc -e '(= (inc $x) (+ $x 1)) !(inc 1)'
    expect "its function" grep -q "^=== inc/1 ===$" out
    expect "the bytecode" grep -Eq "^0000 +1  guard_" out
    expect "what is left to the VM" grep -q "^; 0005 left to the VM$" out
    check "no machine code" 0 "*" "" "$program" --tier=1 --dump=native -e '(= (inc $x) (+ $x 1)) !(inc 1)'
    expect "that it is not there" grep -q "^no native code without tier 2$" out
    check "what perf reads" 0 "[55]" "" sh -c "'$program' --tier=2 --perf -e '(= (fib \$n) (if (< \$n 2) \$n (+ (fib (- \$n 1)) (fib (- \$n 2))))) !(fib 10)' & wait \$!; grep -q 'metta:fib/1\$' /tmp/perf-\$!.map; status=\$?; rm -f /tmp/perf-\$!.map /tmp/jit-\$!.dump; exit \$status"
fi
end
