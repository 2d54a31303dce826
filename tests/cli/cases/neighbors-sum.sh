# A sum as separate arguments and as one; a token with " - " in it is not taken apart
python3 "$MODELS" words w.vec
embscope neighbors w.vec cat - dog + banana --csv > apart
embscope neighbors w.vec 'cat - dog + banana' --csv > quoted
cmp apart quoted && cat quoted
python3 - <<'END'
with open("odd.vec", "w") as file:
    file.write("4 2\na\t1 0\nb\t0 1\na - b\t1 1\n-\t1 2\n".replace("\t", " "))
END
embscope neighbors odd.vec 'a - b' --csv --include-input
embscope neighbors odd.vec - -k 1 --csv
try() { embscope neighbors w.vec "$@"; echo "exit $?"; }
try cat dog
try cat +
try cat - 
