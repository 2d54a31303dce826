# Clusters of eight words, one of them zero, in every form; what is refused
python3 "$MODELS" words w.vec
embscope cluster w.vec -k 3
embscope cluster w.vec -k 3 --csv
embscope cluster w.vec -k 3 --jsonl | head -2
embscope cluster w.vec -k 1 --show 2
embscope cluster w.vec -k 7 | head -6 | tail -3
embscope cluster w.vec -k 3 --iterations 1 --restarts 3 --seed 4 | sed -n 3,4p
embscope cluster w.vec -k 3 -o clusters.npz --json > json && grep -c '"command": "cluster"' json
cksum < clusters.npz
for threads in 1 2 7; do
    embscope cluster w.vec -k 3 -o again.npz --threads $threads -q > /dev/null && cmp clusters.npz again.npz
done
embscope cluster w.vec -k 3 --jsonl -o lines && embscope cluster w.vec -k 3 --jsonl | cmp - lines
embscope cluster w.vec -k 3 -o table && embscope cluster w.vec -k 3 | cmp - table
try() { embscope cluster "$@"; echo "exit $?"; }
try w.vec -k 8
try w.vec -k 0
try w.vec cat
try w.vec --jsonl --csv
try w.vec -k 2 --plot map.svg
try w.vec -o missing/clusters.npz
try w.vec -o w.vec
