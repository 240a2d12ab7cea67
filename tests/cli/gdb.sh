# Machine code under other people's tools: gdb stops at lines of the program, perf names functions.  Each part is skipped where its tool is missing.
. "$(dirname "$0")/lib.sh"

# debug COMMANDS PROGRAM-ARGUMENT...: gdb's output, of a run with its commands; programs need not be read to the end.
debug() {
    printf 'set pagination off\nset confirm off\nset debuginfod enabled off\nset breakpoint pending on\n%s\n' "$1" >commands
    shift
    gdb -nx -q -batch -x commands --args "$program" --tiers=1,1 --jit-debug "$@" </dev/null 2>&1
}

# shows NAME TEXT: a line of the output has TEXT.
shows() { if grep -Fq -- "$2" out; then pass; else fail "$1" "no line with: $2" "$(head -c 1500 out)"; fi; }

cat >fib.metta <<'END'
; A program to stop in.
(= (fib $n)
   (if (< $n 2)
       $n
       (+ (fib (- $n 1))
          (fib (- $n 2)))))
(= (list $n) (if (> $n 0) (Cons $n (list (- $n 1))) Nil))
!(fib 10)
!(list 2)
END
want="[55]
[(Cons 2 (Cons 1 Nil))]"
check "with nobody watching" 0 "$want" "" "$program" --jit-debug --tiers=1,1 fib.metta
check "in any tier" 0 "$want" "" "$program" --jit-debug --tier=0 fib.metta

# Where processes may not be traced gdb is of no use; sanitizers have their own ideas of processes that are.
if ! command -v gdb >/dev/null 2>&1 || ! gdb -nx -q -batch -ex run --args true 2>&1 | grep -q 'exited normally'; then
    echo "skipped: no gdb, or it may not trace processes"
elif [ "$tiers" = "0 1" ]; then
    echo "skipped: the build has no tier 2"
elif ASAN_OPTIONS=help=1 "$program" --version 2>&1 | grep -qi sanitizer; then
    echo "skipped: the build has sanitizers"
else
    debug 'break fib.metta:5
run
bt
delete
break jit1_yield
continue
bt
delete
continue' fib.metta >out
    shows "stops at a line" "metta:fib/1 () at fib.metta:5"
    shows "shows the line" "(+ (fib (- \$n 1))"
    shows "the machine stack goes on below" "metta:shared_enter ()"
    expect "down to main" grep -Eq '^#[0-9]+ +(.* in )?main ' out
    expect "from C that machine code calls, too" sh -c 'sed -n "/jit1_yield/,\$p" out | grep -Eq "^#[0-9]+ .* in main |^#[0-9]+ +main " '
    shows "and ends as it would have" "[55]"
    shows "in order" "exited normally"

    debug 'break -function metta:list/1
run
backtrace 1
delete
continue' fib.metta >out
    shows "stops at a function" "#0  metta:list/1 () at fib.metta:7"
    shows "with its line" "(= (list \$n) (if"
    shows "ends in order" "exited normally"

    # Code that goes takes its breakpoints along, and other code comes to the same place.
    awk 'BEGIN { for (i = 0; i < 60; i++) printf "(= (f%d $n)\n   (if (== $n 0)\n       (cons %d)\n       (f%d (- $n 1))))\n", i, i, (i + 1) % 60
        print "(= (cons $x) $x)\n!(f0 200)\n!(f0 201)" }' >many.metta
    debug 'break many.metta:3
commands
silent
end
run
continue
continue
break many.metta:7 if $pc == 0
continue
delete
continue' --jit-cache=16384 many.metta >out
    shows "evicted under gdb" "[20]"
    shows "and again" "[21]"
    shows "with an end" "exited normally"
fi

# -- perf, which keeps files in the home folder --

export HOME="$work"
if ! command -v perf >/dev/null 2>&1 || ! perf record -q -e cpu-clock -k 1 -o data true >/dev/null 2>&1; then
    echo "skipped: no perf, or it may not record"
elif [ "$tiers" = "0 1" ]; then
    echo "skipped: the build has no tier 2"
else
    echo '(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2))))) !(fib 25)' >hot.metta
    perf record -q -e cpu-clock -F 5000 -k 1 -o data "$program" --tier=2 --perf hot.metta >/dev/null 2>&1
    perf report -i data --stdio >out 2>/dev/null
    shows "perf names functions" "metta:fib/1"
    perf inject --jit -i data -o lines >/dev/null 2>&1
    perf report -i lines --stdio --sort sym,srcline >out 2>/dev/null
    shows "and lines, when it is given the dump" "hot.metta:1"
    pid=$(perf script -i data -F pid 2>/dev/null | sort | uniq -c | sort -rn | awk 'NR == 1 { print $2 }')
    rm -f "/tmp/perf-$pid.map" "/tmp/jit-$pid.dump" /tmp/jitted-"$pid"-*
fi

end
