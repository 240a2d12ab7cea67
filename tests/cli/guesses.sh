# Guesses of native code that are often wrong: the code is made again without them, or given up; both are counted and told.
. "$(dirname "$0")/lib.sh"

"$program" --tier=2 -e 1 >/dev/null 2>&1 || { end; exit; }

# figures NAME HOLDS [OPTION...]: the results of f.metta are those of tier 0, and HOLDS, lines of Python, holds of the figures s.
figures() {
    of=$1 holds=$2
    shift 2
    "$program" --tier=0 f.metta >wanted 2>/dev/null
    "$program" --tier=2 --stats=json "$@" f.metta 2>all >out
    expect "$of: the results" cmp wanted out
    grep '^{' all >figures
    expect "$of" python3 -c "
import json
s = json.load(open('figures'))
assert s['jit_bailouts'] == sum(s['bailouts_by_reason'].values()) == sum(x['count'] for x in s['bailout_sites']), s
again, given_up, exits = s['jit_recompilations'], s['jit_given_up'], s['jit_bailouts']
assert s['jit_compilations'] == again + s['jit_stats']['jitted_chunks'] or '$*', s
$holds"
}

# -- One compilation, and exits stop --

# loop FIRST COUNT: add up from FIRST.
loop() {
    cat >f.metta <<END
(= (loop \$i \$s)
   (if (> \$i $2)
       \$s
       (loop (+ \$i 1)
             (+ \$s \$i))))
!(loop 1 $1)
END
}
once='
assert (again, given_up) == (1, 0), s
assert s["bailouts_by_reason"]["WrongGuess"] == 1 and exits < 10, s'
for n in 300 30000; do
    loop 1125899906842624 $n
    figures "integers beyond 48 bits, $n rounds" "$once"
    cat >>f.metta <<END
!(loop 1 0.5)
!(loop 1 0)
END
    figures "and then floats, $n rounds" '
assert (again, given_up) == (2, 0) and exits < 10, s'
done
# Integers, then floats with integers: the function is called for the first time with integers alone.
cat >f.metta <<'END'
(= (scale $n $x) (if (< $n 1) $x (scale (- $n 1) (+ (* $x 0.5) $n))))
(= (grow $n $x) (if (< $n 1) $x (grow (- $n 1) (* $x 1.0001))))
!(scale 1000 1)
!(grow 1000 3)
END
figures "mixed numbers" '
assert again <= 2 and given_up == 0 and exits < 12, s'
# Symbols where the parts of a fused comparison go on one by one: there is code for that.
cat >f.metta <<'END'
(= (pick $i) (if (> $i 5000) red green))
(= (differ $a $b) (if (== $a $b) 0 1))
(= (loop $i $s) (if (> $i 10000) $s (loop (+ $i 1) (+ $s (differ (pick $i) red)))))
!(loop 1 0)
END
figures "a way in between the parts of a fused instruction" '
assert (again, given_up) == (0, 0) and exits < 10, s'
# A guard that fails goes to its own code, where there is one exit; with what is fused with it, it is one more.
cat >f.metta <<'END'
(= (inc $x) (+ $x 1))
(= (each $n) (if (< $n 1) done (let $x (inc wrong) (each (- $n 1)))))
!(each 1000)
END
figures "a fused guard" '
assert (again, given_up) == (1, 0) and 1000 < exits < 1200, s'

# -- What cannot be helped --

loop 1180591620717411303424 1000
figures "integers beyond 64 bits" '
assert (again, given_up) == (1, 1) and s["bailouts_by_reason"]["WrongGuess"] == 2 and exits < 10, s'
for line in "recompile loop/2 \\+0x1b f.metta:5:14 guard_add_locals guess=small" "give-up loop/2 \\+0x1b f.metta:5:14 guard_add_locals"; do
    check "each step is told" 0 "*" "^\\[jit\\] $line$" "$program" --tier=2 --jit-log f.metta
done
for line in "recompile without the guess function=loop bailout_ip=27 op=guard_add_locals guess=small" "give up function=loop bailout_ip=27"; do
    check "and logged" 0 "*" "^DEBUG mettatron::jit::hybrid::compile: $line" "$program" --tier=2 --log=mettatron::jit::hybrid::compile=debug f.metta
done
echo '!(jit-stats)' >>f.metta
check "and found in the program" 0 1 "" sh -c "'$program' --tier=2 f.metta | grep -c '(jit_recompilations 1) (jit_given_up 1)'"
# One function with more places than are tried, each wrong in its turn.
cat >f.metta <<'END'
(= (f $k $x)
   (case $k ((1 (+ $x 1)) (2 (+ $x 2)) (3 (+ $x 3)) (4 (+ $x 4)) (5 (+ $x 5)) (6 (+ $x 6)))))
(= (turns $k $n) (if (< $n 1) done (let $y (f $k 1125899906842624) (turns $k (- $n 1)))))
!(turns 1 200) !(turns 2 200) !(turns 3 200) !(turns 4 200) !(turns 5 200) !(turns 6 200)
END
figures "a function with too many wrong guesses" '
assert (again, given_up) == (4, 2), s'
# Seldom: one in a hundred calls is for a large integer.
cat >f.metta <<'END'
(= (inc $x) (+ $x 1))
(= (small $n) (if (< $n 1) done (let $y (inc $n) (small (- $n 1)))))
(= (each $n) (if (< $n 1) done (let* (($x (inc 1125899906842624)) ($y (small 100))) (each (- $n 1)))))
!(each 300)
END
figures "what is seldom wrong" '
assert (again, given_up) == (0, 0), s'

# -- With little room, for one function and a half: what was learned stays when code goes --

cat >f.metta <<'END'
(= (up $n $s) (if (< $n 1) $s (down (- $n 1) (+ $s $n))))
(= (down $n $s) (if (< $n 1) $s (up (- $n 1) (- $s $n))))
!(up 3000 1125899906842624)
!(up 3000 1125899906842624)
END
figures "two functions, with little room" '
assert again == 2 and given_up == 0 and s["jit_compilations"] > 4, s' --jit-cache=8K

end
