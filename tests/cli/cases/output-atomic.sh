# A write that fails half way leaves the old file, and no temporary one
python3 "$MODELS" many many.vec 3000 4
embscope neighbors many.vec w1 --all --csv -o answer.csv || exit
cp answer.csv saved.csv
(ulimit -f 8; embscope neighbors many.vec w2 --all --csv -o answer.csv)
echo "exit $?"
cmp answer.csv saved.csv
ls -A
