# The position table of a model and a bare matrix; the profile as CSV; what has no positions
python3 "$MODELS" npy rows.npy
python3 "$MODELS" words w.vec
python3 "$MODELS" gpt2 tiny
embscope positions demo --shuffles 9
embscope positions rows.npy
embscope positions rows.npy --csv --components 2
embscope positions demo --json > json && grep -c '"command": "positions"' json
embscope positions demo --json --seed 7 --shuffles 3 --components 1 | grep '"toeplitz"'
for threads in 1 2 7; do
    embscope positions demo --json --threads $threads | grep -v elapsed > json.$threads
done
cmp json.1 json.2 && cmp json.1 json.7 && echo the same for 1, 2 and 7 threads
try() { embscope positions "$@"; echo "exit $?"; }
try tiny
try w.vec
try demo cat
try demo --components 0
try demo --space input --csv -q | head -2
try rows.npy -o rows.npy
