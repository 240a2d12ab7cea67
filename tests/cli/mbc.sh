# Compiled programs: --compile, running what it makes, refusing what cannot be used.
. "$(dirname "$0")/lib.sh"

cat >fib.metta <<'EOF'
; a comment that is not kept
(= (fib $n)
   (if (< $n 2) $n (+ (fib (- $n 1)) (fib (- $n 2)))))
!(fib 15)
(= (pair $x $y) (Pair $x $y zed "text" 'c' 1.5 123456789012345678901234567890))
!(pair a $free)
! !
!(match &self (= (fib $n) $body) done)
!(/ 1 0)
!(fib 1)
EOF
"$program" --tier=0 fib.metta >tier0
"$program" fib.metta >tier1
"$program" --tiers=10 fib.metta >later
check "it compiles" 0 "" "" "$program" --compile -o fib.mbc fib.metta
check "its results" 1 "$(cat tier1)" "^  at \(/ 1 0\)" "$program" fib.mbc
check "its results in tier 0" 1 "$(cat tier0)" "^  at " "$program" --tier=0 fib.mbc
check "its results after ten calls" 1 "$(cat later)" "^  at " "$program" --tiers=10 fib.mbc
check "from a pipe" 1 "$(cat tier1)" "^  at " sh -c "cat fib.mbc | '$program' -"
check "its chunks are taken" 1 "*" "taken from the compiled program function=fib" "$program" --log=mettatron::jit::hybrid::compile=debug fib.mbc
expect "nothing else is compiled" sh -c '! grep -q "reason=compiled" err'
mv fib.mbc same.mbc
check "the default name" 0 "" "" "$program" --compile fib.metta
expect "the same bytes" cmp -s fib.mbc same.mbc
cp fib.metta fib
check "the default name without .metta" 0 "" "" "$program" --compile fib
expect "a file with .mbc" test -s fib.mbc
rm -f fib fib.mbc
"$program" --compile -o fib.mbc fib.metta

# Every example gives what its source gives, in both tiers.
mkdir -p examples
for example in "$root"/examples/*.metta; do
    this=$(basename "$example" .metta)
    check "compile $this" 0 "" "" "$program" --compile -o "examples/$this.mbc" "$example"
    for tier in 0 1; do
        "$program" --tier=$tier "$example" >want 2>want.err
        wanted=$?
        check "$this in tier $tier" $wanted "$(cat want)" "*" "$program" --tier=$tier "examples/$this.mbc"
    done
done

# Places are those of the source.
cat >place.metta <<'EOF'
(= (f $x)
   (g $x))
!(f 1)
EOF
"$program" --compile place.metta
check "the place of a rule" 0 "*" "rule=place.metta:1:1" "$program" --tier=0 --log=mettatron::backend::eval=trace place.mbc
"$program" --dump=bytecode-full:f place.metta >want
check "the places in a listing" 0 "$(cat want)" "" "$program" --dump=bytecode-full:f place.mbc

# Imports are looked up beside the compiled program.
mkdir -p here there
echo '(= (m) here)' >here/part.metta
echo '(= (m) there)' >there/part.metta
echo '!(import! &self part) !(m) (= (n) (m)) !(n)' >here/main.metta
"$program" --compile -o there/main.mbc here/main.metta
check "an import" 0 "[()]
[there]
[there]" "" "$program" there/main.mbc

# A chunk is taken only when the rules and types are those it was compiled for.
echo '(= (fib 100) century)' >more.metta
"$program" more.metta fib.metta >want
check "other rules" 1 "$(cat want)" "*" "$program" --log=mettatron::jit::hybrid::compile=debug more.metta fib.mbc
expect "its function is compiled anew" grep -q "compiled to bytecode function=fib" err
expect "the other function is taken" grep -q "taken from the compiled program function=pair" err
echo '(: fib (-> Number Number))' >more.metta
check "other types" 1 "*" "compiled to bytecode function=fib" "$program" --log=mettatron::jit::hybrid::compile=debug more.metta fib.mbc

# What is no program.
echo '(= (f)' >open.metta
check "a syntax error" 3 "" "^open.metta:1:1: unclosed" "$program" --compile -o open.mbc open.metta
expect "writes nothing" test ! -e open.mbc
check "a missing file" 4 "" "^mettatron: none.metta: No such file" "$program" --compile none.metta
check "no place to write" 4 "" "^mettatron: none/x.mbc: No such file" "$program" --compile -o none/x.mbc fib.metta
[ -e /dev/full ] && check "full disk" 4 "" "cannot write: No space" "$program" --compile -o /dev/full fib.metta
check "no file" 2 "" "no FILE given" "$program" --compile </dev/null
check "two files" 2 "" "takes one FILE" "$program" --compile fib.metta more.metta
check "an expression" 2 "" "takes one FILE" "$program" --compile -e 1
check "a compiled program" 2 "" "compiled program already" "$program" --compile -o x.mbc fib.mbc
check "an empty program" 0 "" "" sh -c ": >empty.metta; '$program' --compile empty.metta && '$program' empty.mbc"

# What cannot be used is refused before anything runs.
refused() { check "$1" 3 "" "^mettatron: bad.mbc: $2" "$program" bad.mbc; }
size=$(wc -c <fib.mbc)
patch() { # OFFSET BYTE...: a copy with other bytes there
    cp fib.mbc bad.mbc
    printf "$2" | dd of=bad.mbc bs=1 seek="$1" conv=notrunc 2>/dev/null
}
head -c 20 fib.mbc >bad.mbc
refused "a cut head" "the compiled program is cut off"
head -c $((size - 1)) fib.mbc >bad.mbc
refused "a cut end" "the compiled program is cut off"
{ cat fib.mbc; echo; } >bad.mbc
refused "something behind" "something follows the compiled program"
patch 8 '\377'
refused "another format" "compiled in format 255, this runtime has format 2: compile it again"
patch 16 '\001\002\003'
refused "other instructions" "compiled for other instructions than this runtime has: compile it again"
patch 24 'mettatron 9.9.9'
refused "another version" "compiled by mettatron 9.9.9, this is mettatron [0-9.]*: compile it again"
patch $((size - 5)) 'XYZ'
refused "damage" "the compiled program is damaged: its checksum is wrong"
patch 0 'x'
check "another magic" 3 "" "^bad.mbc:[0-9]+:[0-9]+: " "$program" bad.mbc

cp fib.metta old.metta
"$program" --compile old.metta
echo '!(fib 2)' >>old.metta
check "a stale program" 3 "" "^mettatron: old.mbc: stale: ./old.metta has changed since it was compiled" "$program" old.mbc
rm old.metta
check "a program without its source" 1 "$(cat tier1)" "^  at " "$program" old.mbc
end
