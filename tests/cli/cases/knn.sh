# Hubs and pairs of eight words, one of them zero; the graph in four forms
python3 "$MODELS" words w.vec
embscope knn w.vec -k 2
embscope knn w.vec -k 1 --jsonl
embscope knn w.vec -k 2 --csv
embscope knn w.vec -k 2 -o graph.npz --json > json && grep -c '"command": "knn"' json
cksum < graph.npz
embscope knn w.vec -k 2 -o graph.npz -q --csv | head -2
embscope knn w.vec -k 2 --jsonl -o lines && embscope knn w.vec -k 2 --jsonl | cmp - lines
embscope knn w.vec -k 2 -o table && embscope knn w.vec -k 2 | cmp - table
for threads in 1 2 7; do
    embscope knn w.vec -k 2 -o again.npz --threads $threads -q > /dev/null && cmp graph.npz again.npz
done
try() { embscope knn "$@"; echo "exit $?"; }
try w.vec -k 7
try w.vec -k 0
try w.vec cat
try w.vec --jsonl --csv
try w.vec -o w.vec
try w.vec -o missing/graph.npz
cp graph.npz kept.npz
python3 "$MODELS" many many.vec 3000 4
(ulimit -f 8; embscope knn many.vec -o graph.npz)
echo "exit $?"
cmp graph.npz kept.npz && ls -A
