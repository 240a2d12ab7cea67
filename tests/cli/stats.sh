# Figures: --stats, :stats, (jit-stats) and (bailouts), --jit-log; that they are exact and agree with each other.
. "$(dirname "$0")/lib.sh"

cat >fib.metta <<'END'
(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))
!(fib 10)
END
cat >mixed.metta <<'END'
(= (inc $x)
   (+ $x 1))
(= (wild 0) 0)
(= (coin) heads)
(= (coin) tails)
(= (flip) (pair (coin) (coin)))
(= (power $x $n)
   (if (== $n 0)
       $x
       (power (* $x $x) (- $n 1))))
!(inc 1)
!(flip)
!(inc wrong)
!(case (power 2 27) (((Error $call $why) $why)))
END

# json NAME ARGUMENTS CHECKS: run with --stats=json ARGUMENTS, then the lines of Python CHECKS about the figures s.
json() {
    check "$1 runs" "${status_wanted:-0}" "*" "" sh -c "'$program' --stats=json $2 2>figures"
    expect "$1" python3 -c "
import json
s = json.load(open('figures'))
$3"
}

# -- Every call is counted once --

runs='
t, j = s["tiered_stats"], s["jit_stats"]
assert s["total_runs"] == s["jit_runs"] + s["vm_runs"]
assert t["total_executions"] == t["interpreter_runs"] + t["bytecode_runs"] + t["jit_stage1_runs"] + t["jit_stage2_runs"]
assert s["jit_runs"] == t["jit_stage1_runs"] + t["jit_stage2_runs"]
assert s["vm_runs"] == s["bytecode_runs"] == t["bytecode_runs"]
assert s["jit_compilations"] == t["jit_compilations"] and s["jit_compile_failures"] == t["jit_failures"]
assert j["total_executions"] == s["total_runs"]
assert s["chunk_hits"] + s["chunk_misses"] == t["total_executions"] or s["jit_runs"]'
json "calls of fib" "--tier=1 fib.metta" "$runs
assert t['total_executions'] == 177 and t['interpreter_runs'] == 0, t
assert j['total_chunks'] == j['hot_chunks'] == 1"
json "calls of fib, the first in tier 0" "--tier=1 --tiers=10 fib.metta" "$runs
assert t['total_executions'] == 177 and t['interpreter_runs'] == 10, t"
json "calls of fib, hot after more calls than it has" "--tiers=0,1000 fib.metta" "$runs
assert s['jit_threshold'] == 1000 and j['hot_chunks'] == 0 and j['total_chunks'] == 1"
if "$program" --tier=2 -e 1 >/dev/null 2>&1; then
    json "calls of native code" "--tier=2 fib.metta" "$runs
assert t['total_executions'] == 177 and t['jit_stage1_runs'] == 177 and t['cache_misses'] == 1, t
assert s['jit_compilations'] == j['jitted_chunks'] == 1 and j['total_code_bytes'] == t['total_jit_bytes'] > 0"
    cat >lists.metta <<'END'
(= (upto $i $n) (if (> $i $n) Nil (Cons $i (upto (+ $i 1) $n))))
(= (sum Nil) 0)
(= (sum (Cons $x $xs)) (+ $x (sum $xs)))
(= (select (Cons $x $xs)) (Pick $x $xs))
(= (select (Cons $y $ys)) (let (Pick $x $r) (select $ys) (Pick $x (Cons $y $r))))
!(sum (upto 1 10))
!(collapse (select (upto 1 3)))
END
    json "functions that choose among clauses have native code" "--tier=2 lists.metta" "$runs
assert s['jit_compilations'] == j['jitted_chunks'] == 3 and t['jit_failures'] == 0, t"
    json "calls of native code, when it is hot" "--tiers=10,100 fib.metta" "$runs
assert t['total_executions'] == 177 and t['interpreter_runs'] == 10 and 60 <= t['jit_stage1_runs'] <= 70, t"
    cat >once.metta <<'END'
(= (pairs $n) (let $x (superpose (1 2 3 4 5 6)) (let $y (superpose (1 2 3 4 5 6)) (if (== (* $x $y) $n) $x (empty)))))
(= (rows) (let $x (match &self (row $x) $x) (if (> $x 5) $x (empty))))
(= (fold $l) (foldl-atom $l 0 $a $b (+ $a (* 2 $b))))
(row 0) (row 1) (row 2) (row 3) (row 4) (row 5) (row 6)
!(pairs 25)
!(rows)
!(fold (1 2 3 4 5 6 7 8 9))
END
    json "functions that are called once but run for long" "--tiers=0,5 once.metta" "$runs
assert s['jit_compilations'] == j['jitted_chunks'] == j['hot_chunks'] == 3 and t['jit_stage1_runs'] == 0, t"
fi
json "calls of what cannot be compiled" "--tier=1 -e '(= (f 0) 0) (= (\$g 0) 0) !(f 0)'" "$runs
assert t['interpreter_runs'] == 1 and t['bytecode_runs'] == 0, t
assert s['not_compiled'] == [{'function': 'f', 'arity': 1, 'calls': 1, 'reason': 'a rule whose head is a variable may apply'}]"
json "tier 0 alone" "--tier=0 fib.metta" "
assert s['tier'] == 0 and s['total_runs'] == 0 and s['steps'] > 177"

# -- Rates --

json "rates" "mixed.metta" "
def rate(part, whole): return 100 * part / whole if whole else 0
t, j = s['tiered_stats'], s['jit_stats']
same = lambda x, y: abs(x - y) < 0.001
assert same(s['jit_hit_rate'], rate(s['jit_runs'], s['total_runs']))
assert same(s['bailout_rate'], rate(s['jit_bailouts'], s['jit_runs']))
assert same(t['jit_percentage'], rate(s['jit_runs'], t['total_executions']))
assert same(t['cache_hit_rate'], rate(t['cache_hits'], t['cache_hits'] + t['cache_misses']))
assert same(j['coverage_percent'], rate(j['jitted_chunks'], j['total_chunks']))"

# -- Exits --

sums='
for total, reasons, sites in (("jit_bailouts", "bailouts_by_reason", "bailout_sites"), ("bytecode_exits", "exits_by_reason", "exit_sites")):
    assert s[total] == sum(s[reasons].values()) == sum(site["count"] for site in s[sites])
    for reason, count in s[reasons].items():
        assert count == sum(site["count"] for site in s[sites] if site["reason"] == reason)
    assert all(s[sites][i]["count"] >= s[sites][i + 1]["count"] for i in range(len(s[sites]) - 1))
site = {(x["reason"], x["function"]): x for x in s["exit_sites"]}'
json "sums over exits" "--tier=1 mixed.metta" "$sums
error = site['TypeError', 'inc']
assert (error['file'], error['line'], error['found'], error['expected']) == ('mixed.metta', 2, 'Symbol', 'Int|Float'), error
big = site['IntegerOverflow', 'power']
assert big['line'] == 10 and big['operation'] == 'mul' and big['count'] == 1, big"
json "no exits" "--tier=1 -e '(= (f \$x) \$x) !(f 1)'" "$sums
assert not site and s['exits_by_reason'] == {} and s['bailout_sites'] == []"

deep='$x' branches=done
for i in $(seq 60); do
    deep="(+ $deep 1)"
    branches="(if (== \$x $i) (- 0 $i) $branches)"
done
json "no exits of deep code" "--tier=1 -e '(= (f \$x) $deep) (= (g \$x) $branches) !(f 1) !(g 1)'" "$sums
assert not site and s['exits_by_reason'] == {} and s['bailout_sites'] == []"
check "as text" 0 "*" "^exits of bytecode to the interpreter by reason: [1-9]" "$program" --tier=1 --stats mixed.metta
expect "the reason" grep -Eq "^ +1 +[0-9.]+ %  TypeError  " err
expect "the site, with its line" grep -Eq "^ +1 +[0-9.]+ %  mixed.metta:2:4  inc/1\+[0-9]+ guard_add_small  TypeError  expected Int\|Float  found Symbol$" err
expect "the thresholds" grep -q "^thresholds: bytecode after 0 calls, JIT stage 1 after 100, JIT stage 2 after 500$" err
expect "what this build lacks" grep -q "^tier 3, JIT stage 2: absent from this build$" err
expect "bailouts are told" grep -Eq "^bailouts by reason: [0-9]+$" err
check "what is not compiled" 0 "*" "^ +[0-9]+ calls  f/1  a rule whose head is a variable" \
    "$program" --stats -e '(= (f 0) 0) (= ($g 0) 0) !(f 0)'
printf '(= (odd"name $x) (+ $x 1))\n!(odd"name a)\n' >'od"d.metta'
json "names are quoted" "'od\"d.metta'" "
assert s['exit_sites'][0]['file'] == 'od\"d.metta' and s['exit_sites'][0]['function'] == 'odd\"name'"
items=
for i in $(seq 60); do items="$items (+ \$x $i)"; done
branches=done
for i in $(seq 90); do branches="(if (== \$x $i) (D$items) $branches)"; done
json "the beginning of what is too large is compiled" "--tier=1 -e '(= (g \$x) $branches) !(g 89)'" "$sums
assert s['bytecode_runs'] == 1"

# -- The lines of --jit-log --

check "--jit-log" 0 "[55]" "^\[jit\] bytecode fib/1 fib.metta:1 code=[0-9]+B [0-9.]+ms$" "$program" --jit-log --tier=1 fib.metta
expect "one line for one compilation" [ "$(wc -l <err)" = 1 ]
check "a refusal" 0 "[0, 0]" "^\[jit\] bytecode f/1 refused: a rule whose head" \
    "$program" --jit-log -e '(= (f 0) 0) (= ($g 0) 0) !(f 0)'
printf '(= (a\033b $x) $x)\n!(a\033b 1)\n' >escape.metta
check "names cannot steer the terminal" 0 "[1]" "^\[jit\] bytecode a.b/1" "$program" --jit-log escape.metta
expect "no raw escape byte" sh -c '! grep -q "$(printf "\033")" err'

# -- From inside, and in the REPL --

check "(jit-stats) as it runs" 0 "[55]
[(total_runs 178)]" "" "$program" --tier=1 fib.metta \
    -e '(= (figures) (jit-stats)) !(let* (($all (figures)) ($runs (filter-atom $all $f (== (index-atom $f 0) total_runs)))) (index-atom $runs 0))'
check "figures are no calls" 0 "[(queries 0)]" "" "$program" -e '(= (queries $n) wrong) !(let $all (jit-stats) (car-atom $all))'
check "(bailouts) without any" 0 "[()]" "" "$program" --tier=1 -e '(bailouts)'
check "tier 0 has them, too" 0 "[()]" "" "$program" --tier=0 -e '(bailouts)'
check "their types" 0 "[Expression]" "" "$program" -e '(get-type (bailouts))'
printf '(= (f $x) $x)\n:stats on\n!(f 1)\n!(f 1)\n:stats off\n!(f 1)\n:stats\n' >input
check ":stats" 0 "*" "" sh -c "'$program' --tier=1 --repl <input"
expect ":stats on counts" grep -Eq "^  total_executions +2$" out
expect "what is free is counted always" grep -Eq "^total_runs +3$" out
printf ':stats maybe\n' >input
check ":stats takes on or off" 0 "" "takes on or off" sh -c "'$program' --repl <input"
end
