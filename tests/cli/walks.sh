# The sessions that docs/debugging.md shows: what they print, at every tier, and that they are shown.
. "$(dirname "$0")/lib.sh"

cp "$root"/tests/debug/* .
for walk in shop menu; do
    for tier in $tiers; do
        "$program" --tier=$tier --debug $walk.metta <$walk.debug >out 2>err
        expect "$walk, tier $tier" cmp out $walk.out
    done
    expect "$walk is shown" python3 -c "
import sys
lines = ['    ' + line if line.strip() else line for line in open('$walk.out')]
sys.exit(''.join(lines) not in open('$root/docs/debugging.md').read())"
done
check "what the shop gives" 0 "*" "" "$program" shop.metta
expect "is one too much" grep -qx '\[43\]' out
end
