# Models side by side: how tokens match, what is printed, what is refused
python3 "$MODELS" words w.vec
python3 "$MODELS" npy w.npy
python3 "$MODELS" gpt2 g
python3 "$MODELS" many m.vec 40 6
cat > other.vec <<END
7 3
dog 1 0 0.5
Cat 2 1 0
cat 1 1 0
apple 0 0 3
king -1 2 2
zero 1 1 1
queen 1 1 1
END
embscope compare w.vec other.vec
embscope compare w.vec other.vec --csv --show 1
embscope compare w.vec other.vec --match lower | sed -n 4,5p
embscope compare w.vec w.npy --vocab auto --vocab w.vec 2>&1 | head -1
embscope compare w.npy w.npy | sed -n 4,5p
embscope compare m.vec m.vec m.vec --permutations 20 | sed -n 5,14p
cut -d' ' -f1 other.vec | tail -n +2 > list
embscope compare w.vec other.vec --tokens list --rank | sed -n 4,5p
printf 'cat\tanimal\ndog\tanimal\napple\tfruit\nking\tperson\nqueen\tperson\n' > kinds
embscope compare w.vec other.vec --categories kinds | sed -n 4,9p
embscope compare m.vec m.vec --json --threads 1 | grep -v elapsed > one
embscope compare m.vec m.vec --json --threads 7 | grep -v elapsed | cmp - one
try() { embscope compare "$@"; echo "exit $?"; }
try w.vec
try w.vec other.vec -k 4
try w.vec m.vec
try w.npy m.vec
try w.npy w.vec
try w.vec g --match rows
try w.vec w.vec w.vec --transform center --transform raw
try w.vec w.vec --space nowhere
try w.vec w.vec --categories list
try w.vec w.vec -o w.vec
