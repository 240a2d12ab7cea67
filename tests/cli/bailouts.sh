# Why compiled code is left: a program for each reason that can arise (docs/bailouts.md), with the site where it does.
. "$(dirname "$0")/lib.sh"

# run TIER OPTIONS...: run the program in f.metta, its figures go to the file figures.
run() {
    tier=$1
    shift
    "$program" --tier="$tier" --stats=json "$@" f.metta 2>all >out
    grep '^{' all >figures # errors are told there, too
}
# sums: the counts over reasons and sites agree.
sums() {
    expect "$1: the sums agree" python3 -c '
import json
s = json.load(open("figures"))
for total, reasons, sites in (("jit_bailouts", "bailouts_by_reason", "bailout_sites"), ("bytecode_exits", "exits_by_reason", "exit_sites")):
    assert s[total] == sum(s[reasons].values()) == sum(site["count"] for site in s[sites])
    for site in s[sites]: assert s[reasons][site["reason"]] >= site["count"]'
}
# left SITES REASON FUNCTION LINE [OPERATION [FOUND]]: SITES (exit_sites or bailout_sites) has such a site.
left() {
    expect "$2 in $1" python3 -c '
import json, sys
sites, reason, function, line, operation, found = sys.argv[1:] + [""] * (7 - len(sys.argv))
s = json.load(open("figures"))
assert any(x["reason"] == reason and x["function"] == function and x["line"] == int(line) and x["file"] == "f.metta"
           and (not operation or x["operation"] == operation) and (not found or x["found"] == found) for x in s[sites]), s[sites]' "$@"
    sums "$2"
}

# Programs that leave bytecode and native code for the same reason; each writes f.metta.
endless() {
cat >f.metta <<'END'
(: f (-> Number Number))
(= (f $n) (+ 1 (f $n)))
!(f 1)
END
}
printing() {
cat >f.metta <<'END'
(= (f $x)
   (println! $x))
!(f 1)
END
}
branching() {
cat >f.metta <<'END'
(= (f $x)
   (superpose $x))
(= (g $x)
   (let $y (f $x) (if (> $y 1) $y (empty))))
(= (h $x)
   (let $all (collapse (g $x)) (size-atom $all)))
!(h (1 2 3))
END
}
joining() {
cat >f.metta <<'END'
(edge a b) (edge a c) (edge b d) (edge c d) (edge d e)
(= (path $x)
   (match &self (, (edge $x $y) (edge $y $z)) (Path $x $y $z)))
(= (paths)
   (let (Path $x $y $z) (path $any) (if (== $z d) (Path $x $y $z) (empty))))
!(paths)
END
}
calling() {
cat >f.metta <<'END'
(= (f $x)
   (Got (g $x)))
(= (g $x)
   (h $x))
(= (h $x) $x)
!(f 1)
END
}
filling() {
cat >f.metta <<'END'
(= (f $n $list)
   (if (< $n 1)
       done
       (f (- $n 1) (Cons $n $list))))
!(f 300000 Nil)
END
}

# -- Bytecode, for the interpreter --

cat >f.metta <<'END'
(= (f $x)
   (* 2
      (+ $x 1)))
!(f 1)
!(f wrong)
END
run 1
left exit_sites TypeError f 2 guard_number Symbol

endless
run 1 --max-depth=50
left exit_sites StackOverflow f 2

printing
run 1
left exit_sites UnsupportedOperation f 2

branching
run 1
expect "nor does superpose leave bytecode" python3 -c '
import json
s = json.load(open("figures"))
assert {(x["reason"], x["count"]) for x in s["exit_sites"]} == {("Call", 1), ("TailCall", 1)}, s'

joining
run 1
expect "nor do conjunctions" python3 -c '
import json
s = json.load(open("figures"))
assert [x["reason"] for x in s["exit_sites"]] == ["Call"], s'

calling
run 1
left exit_sites Call f 2
left exit_sites TailCall g 4

cat >f.metta <<'END'
(= (f $g)
   ($g 1))
!(f (1 2))
END
run 1
left exit_sites HigherOrderOp f 2 guard_head Expression

cat >f.metta <<'END'
(= (f)
   (let $u (add-atom &self (= (h) end))
      (g (h))))
!(f)
END
run 1
left exit_sites Invalidated f 3 leave_stale

filling
run 1
left exit_sites Preempted f 4

# -- Native code, for the VM --

if ! "$program" --tier=2 -e 1 >/dev/null 2>&1; then
    echo "skipped: native code, which this build or this machine has not"
    end
    exit
fi

cat >f.metta <<'END'
(= (f $x)
   (+ $x 1))
(= (twice $x)
   (+ (- $x 1) (- $x 1)))
!(f 1)
!(f wrong)
!(twice 1)
!(twice wrong)
END
run 2
left bailout_sites TypeError f 2 guard_add_small Symbol
left bailout_sites TypeError twice 4 guard_sub_small Symbol
left bailout_sites Yield twice 4 add_return
left bailout_sites Yield f 2 return

endless
run 2 --max-depth=50
left bailout_sites StackOverflow f 2

cat >f.metta <<'END'
(= (f $n $a $b $c $d $e $g $h $i) (if (== $n 0) $i
   (f (- $n 1) $a $b $c $d $e $g $h $i)))
!(f 3 1 2 3 4 5 6 7 8)
END
run 2
left bailout_sites UnsupportedOperation f 2 tail_call

branching
run 2
expect "superpose does not leave native code" python3 -c '
import json
s = json.load(open("figures"))
assert {(x["reason"], x["function"]) for x in s["bailout_sites"]} == {("Call", "g"), ("TailCall", "h"), ("Yield", "h")}, s'

joining
run 2
expect "nor do conjunctions" python3 -c '
import json
s = json.load(open("figures"))
assert sorted((x["reason"], x["function"]) for x in s["bailout_sites"]) == [("Call", "paths"), ("Yield", "paths")], s'

calling
run 2
left bailout_sites Call f 2 call
left bailout_sites TailCall g 4 tail_call

cat >f.metta <<'END'
(= (f $g)
   ($g 1))
(= (h $x) $x)
!(f h)
END
run 2
left bailout_sites HigherOrderOp f 2

cat >f.metta <<'END'
(= (both $g $x $y) (Got ($g $x $y) ($g $y $x)))
(= (sub $x $y) (- $x $y))
(= (loop $n) (if (== $n 0) (both sub 3 10) (let $r (both sub $n 3) (loop (- $n 1)))))
!(loop 50)
END
run 2
expect "calls of values are native" python3 -c '
import json
s = json.load(open("figures"))
assert s["bailouts_by_reason"].get("HigherOrderOp", 0) <= 1, s'

cat >f.metta <<'END'
(= (coin) heads)
(= (coin)
   tails)
(= (all)
   (let $all (collapse (coin)) (got $all)))
!(all)
END
run 2
expect "collapse does not leave native code" python3 -c '
import json
s = json.load(open("figures"))
assert "Collect" not in s["bailouts_by_reason"] and not any(x["operation"] == "collapse" for x in s["bailout_sites"]), s'
cat >f.metta <<'END'
(= (pair $x $y) ($x $y))
(= (same $x) $x)
(= (loop $n $x) (if (== $n 0) $x (let ($a $b) (pair $x $n) (loop (- $n 1) (same $a)))))
!(loop 50 end)
!(loop 50 7)
END
run 2
expect "nor do symbols that are given back, and tuples headed by what is no function" python3 -c '
import json
s = json.load(open("figures"))
assert {x["reason"] for x in s["bailout_sites"]} <= {"Call", "TailCall", "Yield"} and s["jit_bailouts"] < 6, s'
cat >f.metta <<'END'
(= (large)
   (let $x (match &self (row $x $y) $x)
     (if (> $x 5) (if (< $y $x) (+ $x 1) $x) (empty))))
(row 1 a) (row 7 9) (row 8 2)
!(large)
END
run 2
expect "numbers that variables are bound to are compared in native code" python3 -c '
import json
s = json.load(open("figures"))
assert "TypeError" not in s["bailouts_by_reason"], s'
cat >f.metta <<'END'
(: add (-> Number Number Number))
(= (add $x $y) (+ $x $y))
(= (loop $n $x $y) (if (== $n 0) (== $x $y) (loop (- $n 1) (add $x $n) (if (< $x $y) (- $y $n) (* $n $y)))))
!(loop 20 140737488355320 -140737488355320)
!(loop 20 9223372036854775800 -9223372036854775800)
END
run 2
expect "integers beyond 48 bits do not leave native code" python3 -c '
import json
s = json.load(open("figures"))
assert not set(s["bailouts_by_reason"]) & {"TypeError", "IntegerOverflow", "UnsupportedOperation"}, s'
cat >f.metta <<'END'
(= (f $l)
   (let $n (car-atom $l)
     (let $x (superpose $l) ($x $n))))
!(f (1 2 3))
!(f ())
END
run 2
expect "nor do blocks and operations without effects that have a value" python3 -c '
import json
s = json.load(open("figures"))
assert [x["operation"] for x in s["bailout_sites"] if x["operation"] in ("block", "call_native")] == ["call_native"], s
assert [x["count"] for x in s["bailout_sites"] if x["operation"] == "call_native"] == [1], s'

cat >f.metta <<'END'
(= (apply $f $n)
   ($f $n (K 0)))
(= (down $n $k)
   (if (< $n 1) (unify ($n $k) (0 (K $x)) $x no) (apply down (- $n 1))))
(= (is-zero $k)
   (== $k (K 0)))
!(down 0 (K 1))
!(is-zero (K 0))
!(down 100 (K 1))
!(is-zero (K 0))
END
run 2
expect "last calls of values, unification and constants that move do not leave" python3 -c '
import json
s = json.load(open("figures"))
assert not [x for x in s["bailout_sites"] if x["operation"] in ("unify_terms", "push_const")], s
assert all(x["count"] == 1 for x in s["bailout_sites"] if x["operation"] == "tail_call_value"), s
assert s["jit_bailouts"] < 12, s'

cat >f.metta <<'END'
(= (k)
   (let $u (add-atom &self (= (f extra) 1)) 5))
(= (f $n)
   (let $r (k)
     (h $r (+ $n 1))))
!(f 1)
END
run 2
left bailout_sites Invalidated f 4

cat >f.metta <<'END'
(= (show $x)
   (let () (breakpoint! (> $x 0)) (let $y (trace! (now $x) (+ $x 1)) (println! $y))))
(= (note $x)
   (let () (add-atom &self (seen $x)) (match &self (seen $y) (Seen $y))))
(= (stuck 0) zero)
(= (never $x) NotReducible)
(= (wrong $x)
   (Error (wrong $x) always))
(= (here $x)
   (function (chain (context-space) $s (return (Here $x)))))
(= (list $l)
   (map-atom $l $x (item $x)))
(= (item $x) (Item $x))
(= (all $n)
   (if (== $n 0) done
       (let* (($a (show $n)) ($b (note $n)) ($c (stuck $n)) ($d (never $n)) ($e (here $n)) ($f (list (1 2)))
              ($g (collapse (wrong $n))))
         (all (- $n 1)))))
!(all 3)
END
run 2 --log=mettatron::jit::runtime::breakpoint=debug,mettatron::jit::runtime::trace=trace
expect "nor do operations with effects, breakpoints, calls that are their own results, errors and instructions" python3 -c '
import json
s = json.load(open("figures"))
assert {x["reason"] for x in s["bailout_sites"]} <= {"Call", "TailCall", "Yield"}, s
assert [x["function"] for x in s["bailout_sites"] if x["count"] > 1] == ["all"], s'
expect "breakpoints are told as those of native code" grep -q "mettatron::jit::runtime::breakpoint: Breakpoint hit hit=3 function=show" all
expect "and so are traces" grep -q "mettatron::jit::runtime::trace: Trace msg=(now 1) value=(+ 1 1)" all

filling
run 2
left bailout_sites Preempted f 4 tail_call

end
