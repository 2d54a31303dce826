# A reader that leaves: quiet, as for every other filter
python3 "$MODELS" many many.vec 3000 4
{ sleep 1; embscope neighbors many.vec w1 --all --csv; echo "exit $?" > code; } | true
while [ ! -s code ]; do sleep 0.1; done
cat code
embscope neighbors many.vec w1 --all --csv | head -1
