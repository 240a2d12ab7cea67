# Why, and why not: derivations, near misses, where errors were made.
. "$(dirname "$0")/lib.sh"

cat >shapes.metta <<'END'
(= (area (circle $r)) (* 3 (* $r $r)))
(= (area (square $a)) (* $a $a))
(= (same $x $x) yes)
(= (old $x) (if (> $x 5) yes (empty)))
(: twice (-> Number Number))
(= (twice $x) (* 2 $x))
(: shape (-> Atom Symbol))
(= (shape 3) triangle)
(= (two $x $y) done)
(= (point (p $x $y)) $x)
(= (size big) 3)
!(bind! &other (new-space))
!(add-atom &other (= (hidden $x) found))
END
# explain NAME EXPRESSION PATTERN...: some line of the explanation is like each pattern.
explain() {
    name=$1 expression=$2
    shift 2
    "$program" explain "${file:-shapes.metta}" "$expression" >out 2>err || fail "$name" "status $?"
    for pattern in "$@"; do
        if grep -Eq -- "$pattern" out; then pass; else fail "$name" "no line like: $pattern" "$(head -c 600 out)"; fi
    done
}
explain "misspelt head" '(aera (circle 2))' 'did you mean area\?' 'near miss: .*shapes.metta:1 arg 0: misspelt'
explain "another head" '(area (cirle 2))' 'near miss: \(= \(area \(circle \$r\)\) ...\) shapes.metta:1 arg 1 elem 0: another head.*did you mean circle\?'
explain "another constant" '(size small)' "shapes.metta:11 arg 1: another constant: pattern 'big' vs value 'small'"
explain "number of arguments" '(two 1)' 'shapes.metta:9: another number of arguments: the rule takes 2 arguments, the call has 1'
explain "number of items" '(point (p 1))' 'arg 1: another number of items'
explain "no expression" '(point 7)' "arg 1: no expression: pattern '\(p \\\$x \\\$y\)' vs value '7'"
explain "repeated variable" '(same a b)' "arg 2: a repeated variable differs: pattern 'a' before, here 'b'"
explain "occurs check" '(same $y (f $y))' 'arg 2: occurs check'
explain "type" '(twice "a")' 'BadArgType 1 Number String'
explain "not evaluated" '(shape (+ 1 2))' 'arg 1: argument not evaluated'
explain "guard" '(old 3)' "guard '\(> 3 5\)' is False"
explain "another space" '(hidden 1)' 'another space: rules for this call are in '
explain "operation" '(car-atom)' 'operation|IncorrectNumberOfArguments'
explain "data" '(Pair 1 2)' '^\(Pair 1 2\) => \(Pair 1 2\)$'

cat >family.metta <<'END'
(parent Tom Bob)
(parent Bob Ann)
(parent Bob Pat)
(parent Ann Zoe)
(= (grand $x) (match &self (, (parent $x $y) (parent $y $z)) $z))
(= (c) red)
(= (c) green)
(= (pair) ((c) (c)))
END
file=family.metta
explain "rows" '(match &self (, (parent $x $y) (parent $y $z) (parent $z Zoe) (parent Zoe $w)) $x)' \
    'rows: 4 -> 3 -> 1 -> 0 at conjunct 4 \(parent Zoe \$w\)'
explain "rows of a rule" '(grand Zoe)' 'rows: 0 at conjunct 1 \(parent Zoe \$y\)'
"$program" explain family.metta '(grand Tom)' >out
cat >want <<'END'
(grand Tom) => Ann
  rule (= (grand $x) (match ModuleSpace(GroundingSpace-top) (, (parent $x $y) (parent $y $z)) $z))  family.metta:5
  fact (parent Tom Bob)
  fact (parent Bob Ann)
(grand Tom) => Pat
  rule (= (grand $x) (match ModuleSpace(GroundingSpace-top) (, (parent $x $y) (parent $y $z)) $z))  family.metta:5
  fact (parent Tom Bob)
  fact (parent Bob Pat)
END
expect "derivation" cmp out want
# What it names is what it rests on: without the fact the result is gone.
grep -v 'parent Bob Ann' family.metta >less.metta
check "without a leaf" 0 "[Pat]" "" "$program" less.metta -e '(grand Tom)'
file=less.metta
explain "the other result" '(grand Tom)' '^\(grand Tom\) => Pat$'
check "JSON" 0 '{"goal":"(c)","result":"red","rule":"family.metta:6","from":[]}
{"goal":"(c)","result":"green","rule":"family.metta:7","from":[]}' "" "$program" explain --explain-as=json family.metta '(c)'
check "graph" 0 '*' "" "$program" explain --explain-as=dot family.metta '(pair)'
expect "nodes and edges" sh -c 'grep -q "^digraph why {" out && grep -q "n1 -> n3;" out'
check "atoms" 0 '(derivation (c) red (rule "family.metta:6"))
(derivation (c) green (rule "family.metta:7"))' "" "$program" explain --explain-as=atoms family.metta '(c)'
check "no expression to explain" 2 "" "needs an expression" "$program" explain
for tier in $tiers; do
    check "in a program, tier $tier" 0 '[(derivation (f 2) 3 (rule "<expression>:1") (operation (+ 2 1) 3))]' "" \
        "$program" --tier=$tier -e '(= (f $x) (+ $x 1)) !(explain (f 2))'
    echo '(= (f $x) (+ 1 (g $x)))
(= (g $x)
   (/ 1 $x))
!(f 0)' >error.metta
    check "where an error was made, tier $tier" 1 "[(Error (/ 1 0) DivisionByZero)]" "*" "$program" --tier=$tier error.metta
    cat >want <<'END'
  at (/ 1 0)  error.metta:3:4
  in (g 0)  error.metta:3:4
  in (f 0)  error.metta:1:16
END
    expect "its places, tier $tier" sh -c 'grep -v "in the query" err | cmp - want'
done
end
