# A series: the demo model's training, what is printed, what is refused
python3 "$MODELS" words w.vec
python3 "$MODELS" npy w.npy
python3 "$MODELS" gpt2 g
embscope drift demo@100 demo@500 demo@2000 demo@4000 demo | sed '1s/of .*/of .../'
embscope drift demo@2000 demo --csv -k 1 | tail -1 | cut -d, -f1-4,7-10 |
    sed -E 's/(\.[0-9]{9})[0-9]*/\1/g' # the rest is LAPACK's
embscope drift w.vec w.vec | sed 1d
embscope drift w.npy w.npy w.npy | sed -n 3p
printf ' cat\n dog\n banana\n nowhere\n king\n' > list
embscope drift demo@500 demo@2000 demo --tokens list --show 2 | sed -n 3,9p
embscope drift demo@500 demo@2000 demo --transform center --json --threads 1 | grep -v elapsed > one
embscope drift demo@500 demo@2000 demo --transform center --json --threads 7 | grep -v elapsed | cmp - one
embscope info demo@500 | sed -n 3p
embscope neighbors demo@4000 cat -k 1 | tail -1
embscope report demo@500 --json -q | grep '"positions"'
try() { embscope drift "$@"; echo "exit $?"; }
try demo
try demo@700 demo
try demo@ demo
try demo@5x demo
try demo demo@500 -k 14336
try demo w.npy
try w.vec g
head -c 2000 w.vec > broken.safetensors
try w.vec broken.safetensors w.vec
try w.vec w.vec -o w.vec
try w.vec w.vec --plot drift.txt
