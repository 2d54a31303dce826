# Eight words, one zero and one a copy; the untouched rows of a model, in four forms
python3 "$MODELS" words w.vec
embscope audit w.vec
embscope audit w.vec --near 0.9 --csv
embscope audit w.vec --jsonl
embscope audit demo --json > json && grep -c '"command": "audit"' json
embscope audit demo -k 2
embscope audit demo --jsonl -o lines && wc -l < lines && grep -c '"category": "untouched"' lines
embscope audit demo --csv -q | head -3
for threads in 1 2 7; do
    embscope audit demo --threads $threads --jsonl | cmp - lines
done
python3 "$MODELS" npy rows.npy
embscope audit rows.npy | tail -3
try() { embscope audit "$@"; echo "exit $?"; }
try w.vec cat
try w.vec --near 1.5
try w.vec --near x
try w.vec -k 0
try w.vec --plot figure.gif
