# The debugger: breakpoints, ports, frames, alternatives, at every tier.
. "$(dirname "$0")/lib.sh"

cat >fib.metta <<'END'
(= (fib $n)
   (if (< $n 2) $n
       (+ (fib (- $n 1)) (fib (- $n 2)))))

!(fib 20)
END
cat >rules.metta <<'END'
; Fibonacci numbers.

(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))
!(fib 20)
END
cat >order.metta <<'END'
(= (drink) tea)
(= (with tea) lemon)
(= (order)
   (let* (($d (drink))
          ($e
            (with $d)))
      (served $d ; here
         (both $e
            (+ 1 2)))))
(= (served $d $e) ($d $e))
(= (both $x $y) ($x $y))
(= (pick $x)
   (case $x ((1 (one a)) (2
        (two 5)))))
(= (two $x) (2 $x))
(= (find $x)
   (match &self
     (likes $x $y)
     (fan $y)))
(likes Tom jazz)
!(order)
!(pick 2)

!(find Tom)
; the end
END
echo '(= (twice $x)
   (* 2 $x))' >part.metta
echo '!(import! &self part)
!(twice 4)' >imports.metta
cat >tails.metta <<'END'
(= (loop $n)
   (if (== $n 0) (end $n)
       (loop (- $n 1))))
(= (end $x) (+ 1 $x))
(= (ping $n) (if (== $n 0) (end 5) (pong (- $n 1))))
(= (pong $n) (ping $n))
(= (outer $n) (+ 1 (loop $n)))
!(outer 100)
!(+ 1 (ping 3))
END
cat >alike.metta <<'END'
(= (age Tom) 70)
(= (age Bob) 45)
(= (older $a $b)
   (> (age $a)
      (age $b)))
!(older Tom Bob)
END
cat >gather.metta <<'END'
(= (h $x) $x)
(= (many $x)
   (let $b (collapse
     (h
        (h $x)))
     ((size-atom $b) $x)))
!(many red)
END
cat >hot2.metta <<'END'
(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))
!(fib 20)
!(fib 10)
END
cat >kinds.metta <<'END'
(= (colour) red)
(= (colour) green)
(= (colour) blue)
(= (twice $x) (superpose (1 $x 3)))
(parent Tom Bob)
(parent Tom Liz)
(parent Tom Jim)
(parent Tom Eve)
(= (kids $x) (match &self (parent $x $y) $y))
(= (g $x) $x)
(= (go) (let* (($a (colour)) ($b (twice $a)) ($c (kids Tom))) (g ($a $b $c))))
!(go)
END
cat >deeper.metta <<'END'
(= (colour) red)
(= (colour) green)
(= (colour) blue)
(= (colour) black)
(= (inner $x) (let $y (colour) ($y $x)))
(= (outer $x) (let $y (inner (+ $x 1)) ($x $y)))
!(outer 1)
END
cat >useless.metta <<'END'
(= (f 1) (+ 1 1))
(= (f $x) (- $x 1))
(= (h (A $x) $x) a)
(= (h (A $x) (B $x)) b)
(= (g $x) (h (A $x) $x))
!(f 1)
!(g 1)
END
cat >between.metta <<'END'
(= (p $x) one)
(= (p 7) seven)
(= (p $x) two)
(= (g $x) $x)
(= (go) (let $y (p 1) (g $y)))
(= (data $x) (p $x 2))
!(go)
!(data 1)
END
cat >errors.metta <<'END'
(= (e $x) (Error no x))
!(case (e 1) (((Error $a $b) a)))
!(case (e 2) (((Error $a $b) b)))
END
cat >over.metta <<'END'
(= (e $x) (Error no x))
(= (o $x) (let $y (e $x) (quote $y)))
!(case (o 1) (((Error $a $b) a)))
END
cat >pending.metta <<'END'
(= (pick) one)
(= (pick) (Error pick bad))
(= (pick) (+ 1 1))
(= (g $x) $x)
(= (go) (let $y (pick) (g $y)))
!(go)
END
cat >grand.metta <<'END'
(parent Tom Bob)
(parent Tom Liz)
(parent Tom Jim)
(parent Bob Ann)
(parent Liz Ian)
(parent Jim Zoe)
(= (g $x) (quote $x))
(= (grand $x) (match &self (, (parent $x $y) (parent $y $z)) $z))
!(let $x (grand Tom) (g $x))
END
cat >nd.metta <<'END'
(= (c) red)
(= (c) green)
(= (c) blue)
(= (pair) ((c) (c)))
!(c)
END
cat >typo.metta <<'END'
(= (area (circle $r)) (* 3 (* $r $r)))
(= (area (square $a)) (* $a $a))
(= (total $x $y) (+ (area $x) (aera $y)))
!(total (square 2) (circle 2))
END
cat >frogs.metta <<'END'
(= (grow $x) (add-atom &self (Frog $x)))
!(bind! &s (new-state 1))
!(grow Sam)
!(change-state! &s 2)
!(remove-atom &self (Frog Sam))
END

# debug TIER FILE COMMAND...: the transcript goes to out.
debug() {
    tier=$1 file=$2
    shift 2
    for line in "$@"; do echo "$line"; done | "$program" --tier="$tier" --debug "$file" >out 2>err
    echo $? >status
}
# shows NAME PATTERN...: each matches some line of the transcript.
shows() {
    name=$1
    shift
    for pattern in "$@"; do
        if grep -Eq -- "$pattern" out; then pass; else fail "$name" "no line like: $pattern" "$(tail -c 600 out)"; fi
    done
}
# lines NAME COUNT PATTERN
lines() {
    found=$(grep -Ec -- "$3" out)
    if [ "$found" = "$2" ]; then pass; else fail "$1" "$found lines like $3, want $2" "$(tail -c 600 out)"; fi
}

for tier in $tiers; do
    debug $tier fib.metta "break fib" run bt 'p $n' c
    shows "function, tier $tier" 'Breakpoint 1, \(fib 20\) at fib.metta:5$' '^#0  \(fib 20\)' '^20$'
    lines "one frame, tier $tier" 1 '^#'

    debug $tier rules.metta 'break rules.metta:3 if (== $n 1)' run c 'info b' 'd' c
    shows "line with a condition, tier $tier" 'Breakpoint 1, \(fib 1\) => \(if \(< 1 2\) .* at rules.metta:3' \
        '^1 +line .*evaluated [0-9]+ times' '^\[6765\]$'
    lines "nothing else stops, tier $tier" 2 '^Breakpoint 1, '

    debug $tier fib.metta 'break fib.metta:3 if (< $n 3)' run bt 'info bindings' n c 'd' c
    shows "line in a body, tier $tier" '^Breakpoint 1, \(fib 2\) => \(\+ \(fib \(- 2 1\)\) \(fib \(- 2 2\)\)\) at fib.metta:3$' \
        '^#0  \(fib 2\) at fib.metta:3:8$' '^#18  \(fib 20\) at fib.metta:3:11$' '^    \$n = 2$' \
        'exit#1 19  \(fib 2\) => 1 ' '^\[6765\]$'

    debug $tier order.metta 'b order.metta:5' 'b order.metta:6' 'b order.metta:8' 'b order.metta:9' 'b order.metta:14' \
        'b order.metta:18' 'b order.metta:99' 'b other.metta:1' run c 'info b' c 'info bindings' c c c c c
    cat >want <<'END'
Breakpoint 1, (order) => (with tea) at order.metta:6
Breakpoint 3, (order) => (both lemon (+ 1 2)) at order.metta:8
Breakpoint 4, (order) => (+ 1 2) at order.metta:9
Breakpoint 5, (pick 2) => (two 5) at order.metta:14
Breakpoint 6, (find Tom) => (fan jazz) at order.metta:19
END
    grep '^Breakpoint .*,' out | grep -v '^Breakpoint 2' >stops
    expect "lines of bodies, tier $tier" cmp stops want
    shows "moved lines, tier $tier" '^1 .*\(nothing is evaluated on line 5: moved to line 6\)' '^2 .*order.metta:6$' \
        'no expression on line 99 of order.metta or below: it has 25 lines' 'pending until a file other.metta is loaded' \
        '^    \$e = lemon$'
    shows "results of that, tier $tier" '^\[\(tea \(lemon 3\)\)\]$' '^\[\(2 5\)\]$' '^\[\(fan jazz\)\]$'
    debug $tier imports.metta 'break part.metta:2' run 'info bindings' c
    shows "line of a module, tier $tier" '^Breakpoint 1, \(twice 4\) => \(\* 2 4\) at .*part.metta:2' '^    \$x = 4$' '^\[8\]$'

    debug $tier fib.metta 'break fib.metta:5' run 'info b' c
    shows "line of a query, tier $tier" 'Breakpoint 1, \(fib 20\) at fib.metta:5$' '^1 +line +y +1 +fib.metta:5'

    debug $tier fib.metta 'tbreak fib' run 'info b' c
    lines "once, tier $tier" 1 '^Breakpoint 1, '
    shows "it is gone, tier $tier" 'There are no breakpoints' '^\[6765\]$'
    debug $tier fib.metta 'break fib' 'ignore 1 9' run 'info b' q
    shows "passed over nine, tier $tier" '^Breakpoint 1, \(fib 11\)' '^1 +function +y +10 '
    debug $tier fib.metta 'break fib hits %5' run c q
    shows "each fifth, tier $tier" '^Breakpoint 1, \(fib 16\)' '^Breakpoint 1, \(fib 11\)'
    debug $tier fib.metta 'break fib hits >=5' run c q
    shows "from the fifth on, tier $tier" '^Breakpoint 1, \(fib 16\)' '^Breakpoint 1, \(fib 15\)'

    debug $tier fib.metta 'break (fib 0)' run c c 'd' c
    lines "pattern, tier $tier" 3 '^Breakpoint 1, \(fib 0\)'
    debug $tier fib.metta 'break fib:exit if (> $result 100)' run q
    shows "result, tier $tier" '^Breakpoint 1, \(fib 12\) => 144'

    debug $tier nd.metta 'break c' run s alt s s s s s s
    grep -E '^  \[|^\[' out | sed 's/   nd.metta.*//' >ports
    cat >want <<'END'
  [1] exit#1 1  (c) => red   (+2 alternatives)
  [1] redo   1  (c)   (+2 alternatives)
  [1] exit#2 1  (c) => green   (+1 alternative)
  [1] redo   1  (c)   (+1 alternative)
  [1] exit#3 1  (c) => blue
  [1] fail   1  (c)
[red, green, blue]
END
    expect "ports of three results, tier $tier" cmp ports want
    shows "what is pending, tier $tier" '^1: 2 rules of \(c\)$' '^   1  \(= \(c\) green\)  nd.metta:2:1$' \
        '^   2  \(= \(c\) blue\)  nd.metta:3:1$'
    debug $tier nd.metta 'break c' run s 'alt 1 2' c
    shows "another alternative first, tier $tier" 'exit#2 1  \(c\) => blue' '^\[red, blue, green\]$'
    # Calls that have made a last call.
    debug $tier tails.metta 'b loop if (== $n 55)' 'b end' run bt 'frame 2' 'info frame' 'delete 1' c 'bt' c bt
    shows "last calls, tier $tier" '^#0  \(loop 55\)' '^#1  \(loop 56\) \(tail: it made a last call\) at tails.metta:3:8$' \
        '^#2  \(loop 57\) \(tail' '^    at \(loop 56\)$' '^    \$n = 57$' '^#19  \(loop 74\) \(tail' '^\.\.\. 13 more' \
        '^#2  \(loop 56\) \(tail' '^#1  \(ping \$n\) \(tail' '^#2  the query at tails.metta:9:2$'

    # The tier that the goal's function has come to.
    debug $tier hot2.metta 'break hot2.metta:3' run s n c
    lines "tier of a goal, tier $tier" 2 "(call|exit#1) +2  \\(fib 9\\).*hot2.metta:1:32   t$tier\$"

    # Of rules, rows and items, whatever tier they are pending in.
    debug $tier kinds.metta 'break g' run alt 'alt 1 3' alt c c c d c
    sed -n '/^1: /,/^(debug)/p' out | grep -v '^(debug)' >pending
    cat >want <<'END'
1: 3 matches of (parent Tom $y)
   1  (parent Tom Liz)
   2  (parent Tom Jim)
   3  (parent Tom Eve)
2: 2 items of (superpose (1 red 3))
   1  red
   2  3
3: 2 rules of (colour)
   1  (= (colour) green)  kinds.metta:2:1
   2  (= (colour) blue)  kinds.metta:3:1
1: 2 matches of (parent Tom $y)
   1  (parent Tom Liz)
   2  (parent Tom Jim)
2: 2 items of (superpose (1 red 3))
   1  red
   2  3
3: 2 rules of (colour)
   1  (= (colour) green)  kinds.metta:2:1
   2  (= (colour) blue)  kinds.metta:3:1
END
    expect "all that is pending, tier $tier" cmp pending want
    shows "a row out of turn, tier $tier" '^Breakpoint 1, \(g \(red 1 Eve\)\)' '^Breakpoint 1, \(g \(red 1 Liz\)\)' \
        '^Breakpoint 1, \(g \(red red Bob\)\)'
    expect "no other result is lost, tier $tier" [ "$(grep '^\[' out | tr ',' '\n' | sort -u | wc -l)" = 35 ]
    debug $tier kinds.metta 'break g' run 'alt 2 2' c 'alt 3 2' alt 'd' c
    shows "an item, then a rule, tier $tier" '^Breakpoint 1, \(g \(red 3 Bob\)\)' 'call +2  \(twice blue\)' '^   1  \(= \(colour\) green\)' \
        '^\[\(blue 1 Bob\), .*\(blue 3 Eve\), \(green 1 Bob\), .*\(green 3 Eve\)\]$'
    debug $tier deeper.metta 'break outer:redo' run 'alt 1 2' s s d c
    shows "out of turn at a redo, tier $tier" '^Breakpoint 1, redo \(outer 1\)' '^\[\(1 \(red 2\)\), \(1 \(blue 2\)\), \(1 \(green 2\)\), \(1 \(black 2\)\)\]$'
    # A goal that is marked when its rule has matched; alternatives that cannot match are none.
    debug $tier useless.metta 'break f:unify' run finish s d 'break g:exit' 'break g:redo' c n c
    shows "back to a goal marked late, tier $tier" 'redo   1  \(f 1\) ' '^Breakpoint 2, \(g 1\) => a at useless.metta:7'
    lines "nothing to come back for, tier $tier" 0 '^Breakpoint 3, |\+[0-9]+ alternatives?\).*\(g 1\)|redo .*\(g 1\)'

    debug $tier between.metta 'break g' 'break p' run c alt s s s s d c
    shows "a rule between that cannot match, tier $tier" '^1: 1 rule of \(p 1\)$' '^   1  \(= \(p \$x\) two\)  between.metta:3:1$' '^\[one, two\]$'
    lines "data is not called, tier $tier" 0 'Breakpoint 2, \(p 1 2\)'
    debug $tier errors.metta 'catch error' run c c c
    lines "the same error once more, tier $tier" 2 '^Breakpoint 1, \(Error no x\)'

    debug $tier over.metta 'break o' run n c
    shows "next over an error, tier $tier" 'exit#1 1  \(o 1\) => \(Error no x\)'

    # What is pending in bytecode is stepped through as all else is.
    debug $tier pending.metta 'break g' run s s s s s s s s s c
    grep -v '^(debug)' out | sed 's/   t[0-2]$//' >pending$tier
    expect "stepping into what is pending, tier $tier" cmp pending0 pending$tier
    shows "the error that it makes, tier $tier" '^  error  2  \(pick\) => \(Error pick bad\)|error +2 '
    debug $tier grand.metta 'break g' run alt 'alt 1 2' d c
    shows "a row of two patterns, tier $tier" '^   2  \(parent Tom Jim\)$' '^\[\(quote Zoe\), \(quote Ian\)\]$'

    debug $tier nd.metta 'break c' run s 'prune 1' c
    shows "pruned, tier $tier" '^\[red\]$'
    debug $tier nd.metta 'break c' run n n n n
    lines "next stops three times, tier $tier" 3 '^  \[1\] exit#'
    lines "and at the end, tier $tier" 1 '^  \[1\] fail'
    debug $tier nd.metta 'break c' run 'finish all' c
    lines "all results, tier $tier" 2 '^\[red, green, blue\]$'
    debug $tier nd.metta 'break c' run s retry s d c
    lines "the same exit again, tier $tier" 2 'exit#1 1  \(c\) => red'
    shows "the same answers, tier $tier" '^\[red, green, blue\]$'
    debug $tier nd.metta 'break c' run 'force 7' c
    shows "forced, tier $tier" '^\[7\]$'

    debug $tier typo.metta 'catch stuck' run 'break aria'
    shows "a name that nobody knows, tier $tier" 'there are no rules for aria yet \(did you mean area\?\)'
    shows "stuck, tier $tier" 'stuck \(aera \(circle 2\)\)' 'did you mean area'
    check "break-on, tier $tier" 0 '*' '' sh -c "echo run | '$program' --tier=$tier --break-on=stuck typo.metta"

    debug $tier frogs.metta 'watch &self (Frog $x)' run c c
    shows "space, tier $tier" '^Watchpoint 1, \(Frog Sam\): added; 4 atoms before, 5 now|added; [0-9]+ atoms before' \
        'frogs.metta:1' 'removed; [0-9]+ atoms before'
    debug $tier frogs.metta 'tbreak grow' run 'watch &s' c c
    shows "state, tier $tier" 'Watchpoint 2, .*: the state has changed'

    debug $tier fib.metta 'break + if (> $result 100)' 'delete' 'tbreak +' run c
    shows "operation, tier $tier" '^Breakpoint 2, \(\+ 1 0\)' '^\[6765\]$'

    # A condition that calls the function itself is evaluated once, and is not debugged.
    debug $tier fib.metta 'break fib if (== (fib 3) 2)' run 'info b' c q
    shows "condition of its own, tier $tier" '^Breakpoint 1, \(fib 20\)' 'evaluated 1 times' '^Breakpoint 1, \(fib 19\)'
done

# The same stops at every tier, with the same places and variables.
for this in fib nd typo; do
    for tier in $tiers; do
        debug $tier $this.metta 'catch stuck' 'break fib if (< $n 3)' 'break c' 'break area:exit' 'b fib.metta:3' run 'info bindings' s n s s \
            finish n c 'info bindings' c s s n 'info b' delete c
        sed 's/   t[0-2]$//' out >stops$tier
    done
    for tier in $tiers; do
        expect "stops of $this, tier $tier" cmp stops0 stops$tier
    done
done

# A breakpoint at a line leaves what else runs alone.
cat >two.metta <<'END'
(= (slow $n)
   (if (== $n 0) 0
       (slow (- $n 1))))
(= (fast $n) (if (< $n 2) $n (+ (fast (- $n 1)) (fast (- $n 2)))))
!(slow 100)
!(fast 20)
END
debug "${tiers##* }" two.metta 'break two.metta:3 if (== $n 1)' run tier c tier
shows "line in one of two functions" '^Breakpoint 1, \(slow 1\) => \(slow \(- 1 1\)\)' '^\[6765\]$'
expect "the other one stays in bytecode" [ "$(sed -n 's/^interpreter_runs //p' out | tail -1)" -lt 300 ]

# What is said of mistakes.
debug 0 fib.metta 'break' 'break 9' 'break (' 'watch x' 'catch x' condition 'condition 1' 'ignore 1' 'commands' end 'delete 7' 'info x' 'info frame' \
    until 'undisplay 3' whatis p 'list fib' log 'log dump' disasm 'help nope' co nope 'break 3' run 'break fibs' 'break fib/2' break \
    'up x' down 'frame 9' 'alt 1' 'prune 1' 'force (' 'retry 9' n 'finish all' q
cat >want <<'END'
Where?  help break tells what may be said.
there is no expression on line 9 of fib.metta or below: it has 5 lines
this is no function, pattern or FILE:LINE: (
this is no space, with a pattern perhaps, and no state: x
this is none of error, stuck, empty, assert, type: x
Which breakpoint?  info breakpoints lists them.
there is no breakpoint 1
How many hits?
Which breakpoint?  info breakpoints lists them.
there is no breakpoint 7
info breakpoints, frame, bindings, alternatives or display?
The program is not stopped; run starts it.
The program is not stopped; run starts it.
There is no such display; info display lists them.
Which expression?
Which expression?
There are no rules for fib.
log FILTER changes what is logged, log dump prints the last events.
No port has been come to yet.
There is no bytecode in tier 0.
There is no command "nope"; help lists them.
"co" may be condition commands continue
There is no command "nope"; help lists them.
Breakpoint 1 at fib.metta:3
Breakpoint 1, (fib 20) => (+ (fib (- 20 1)) (fib (- 20 2))) at fib.metta:3
3	       (+ (fib (- $n 1)) (fib (- $n 2)))))
Breakpoint 2 at fibs
  there are no rules for fibs yet
Breakpoint 3 at fib/2
  there are no rules for fib with 2 arguments yet
Breakpoint 4 at fib.metta:3
How many?
This is the innermost one.
There is no such frame.
there is no such alternative
there is no such alternative
unclosed '('
that goal cannot be called again
END
grep -v '^(debug)' out | head -38 >told
expect "mistakes" cmp told want

# Where calls stand that look alike.
for tier in $tiers; do
    debug $tier alike.metta 'break age' run c bt 'tbreak alike.metta:6' d
    shows "calls that look alike, tier $tier" '^Breakpoint 1, \(age Tom\) at alike.metta:4' '^Breakpoint 1, \(age Bob\) at alike.metta:5' \
        '^#1  \(older Tom Bob\) at alike.metta:5:7$'
    debug $tier gather.metta 'break h' run bt n c bt n c c
    shows "inside of a collapse, tier $tier" '^#1  \(many red\) at gather.metta:5:9$' '^#1  \(many red\) at gather.metta:4:6$' \
        'exit#1 2  \(h red\) => red   gather.metta:5:9' 'exit#1 2  \(h red\) => red   gather.metta:4:6' '^\[\(1 red\)\]$'
    debug $tier nd.metta 'break c' run s s why 'why 2' 'finish all' d c
    shows "why a result, tier $tier" '^  next \(= \(c\) green\)  nd.metta:2$' '^\(c\) => green$' '^\[green, blue\]$'
    lines "one of three results, tier $tier" 1 '^\(c\) => red$'
done

# Programs that ask for the debugger.
echo '(= (f $x) (let $y (breakpoint!) (g (+ $x 1))))
(= (g $y) (breakpoint! (> $y 2)))
!(f 1)
!(f 2)' >asks.metta
check "without a debugger" 0 '[()]
[()]' '' "$program" asks.metta
for tier in $tiers; do
    debug $tier asks.metta run c c
    lines "program breakpoints, tier $tier" 3 '^Program breakpoint, \(breakpoint!'
done

# Deep recursion: only what is asked for is printed.
echo '(= (deep $n) (if (== $n 0) (breakpoint!) (+ 1 (deep (- $n 1)))))
!(deep 1000000)' >deep.metta
debug "${tiers##* }" deep.metta run 'bt 5' 'bt -5' 'bt full' q
shows "deep" '^#4 ' '^#1000000 ' '\.\.\. [0-9]+ more' '^    \$n = 0$'
expect "few lines" [ "$(wc -l <out)" -lt 100 ]

# False conditions are cheap, and nothing is left when the breakpoint is gone.
sed 's/fib 20/fib 28/' fib.metta >hot.metta
debug "${tiers##* }" hot.metta 'break fib if (== $n -1)' run 'info b' d run
shows "a million conditions" '^1 +function .*evaluated 1028457 times' '^\[317811\]$'

# A running function: paused, stopped at by a breakpoint set then, and let go; what else runs is not left.
echo '(= (spin $n $m) (if (== $n 0) $m (spin (- $n 1) (turn $m))))
(= (turn $m) (if (> $m 9) 0 (+ $m 1)))
!(started)
!(spin 1000000000 0)
!(spin 5 0)' >spin.metta
mkfifo keys
for tier in $tiers; do
    "$program" --tier=$tier --debug spin.metta <keys >out 2>err &
    pid=$!
    exec 3>keys
    echo run >&3
    wait_for out started
    sleep 0.3
    kill -INT $pid
    wait_for out '^Paused'
    printf 'break turn\nc\n' >&3
    wait_for out '^Breakpoint 1, '
    printf 'tier\ndelete\nc\n' >&3
    sleep 0.3
    kill -INT $pid
    printf 'q\n' >&3
    exec 3>&-
    wait $pid
    lines "paused and stopped, tier $tier" 3 '^Paused, |^Breakpoint 1, \(turn '
done

# Scripts, and the end of input.
printf 'break fib\nrun\n' >script
check "script" 0 '*' '' sh -c "echo q | '$program' -x script fib.metta"
shows "from the script" '^Breakpoint 1, \(fib 20\)'
check "no such script" 2 '' 'cannot be read' "$program" -x missing fib.metta
end
