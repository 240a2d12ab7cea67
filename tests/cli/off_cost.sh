# What breakpoints and traces cost while nobody uses them: instructions of the release build against those of a build without
# them, counted by callgrind.  At most 0.5 % more, or less.
. "$(dirname "$0")/lib.sh"

skip() {
    echo "skipped: $1"
    end
    exit
}
[ "$program" = "$root/build/release/mettatron" ] || skip "only the release build is measured"
command -v valgrind >/dev/null || skip "valgrind is not installed"
"$root/tools/build" nodebug mettatron || { fail "the build without debug support"; end; exit; }
plain=$root/build/nodebug/mettatron

echo '(= (fib $n) (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))
!(fib 20)' >fib.metta

# instructions PROGRAM OPTION...: prints how many it takes for the program fib.metta; nothing when it does not run.
instructions() {
    valgrind --tool=callgrind --callgrind-out-file=/dev/null \
        "$@" --tier=1 fib.metta >result 2>log </dev/null || return 0
    grep -qx '\[6765\]' result && sed -n 's/.*Collected : \([0-9]*\)$/\1/p' log
}

with=$(instructions "$program")
without=$(instructions "$plain")
echo "instructions of fib 20: $with, without debug support $without"
expect "both run" [ "${with:-0}" -gt 0 -a "${without:-0}" -gt 0 ]
difference=$((${with:-0} - ${without:-0}))
[ $difference -ge 0 ] || difference=$((-difference))
expect "they differ by 0.5 % at most" [ $((difference * 200)) -le "${without:-0}" ]

# Under the debugger: at most 2 % more without a breakpoint, and little more when one was deleted at its first stop.
echo run >runs
printf 'break fib\nrun\ndelete\nc\n' >deletes
debugged=$(instructions "$program" --debug-script=runs)
deleted=$(instructions "$program" --debug-script=deletes)
echo "under the debugger: $debugged; with a breakpoint that was deleted: $deleted"
expect "the debugger costs 2 % at most" [ "${debugged:-0}" -gt 0 -a $(((${debugged:-0} - ${with:-0}) * 50)) -le "${with:-0}" ]
expect "a deleted breakpoint costs 5 % at most" [ "${deleted:-0}" -gt 0 -a $(((${deleted:-0} - ${with:-0}) * 20)) -le "${with:-0}" ]

# The other build keeps what the language has, and says what is missing.
check "trace! without debug support" 0 "[2]" "^1$" "$plain" --log=mettatron::vm::trace=trace -e '(trace! 1 2)'
expect "nothing in the log" [ "$(wc -l <err)" = 1 ]
check "breakpoint! without debug support" 1 "[(Error (breakpoint! True) breakpoint! is left out of this build)]" "" \
    "$plain" -e '(breakpoint! True)'
end
