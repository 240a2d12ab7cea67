# Every example runs as it is; those that show errors end with status 1.
. "$(dirname "$0")/lib.sh"

for file in "$root"/examples/*.metta; do
    name=$(basename "$file")
    case $name in
    errors.metta | types.metta) want=1 ;;
    *) want=0 ;;
    esac
    check "$name" $want "*" "*" "$program" --timeout=20 "$file"
    expect "$name prints results" grep -q '^\[' out
done
end
