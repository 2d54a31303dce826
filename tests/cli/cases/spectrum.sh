# Eigenvalues of words of two kinds and a zero; chains side by side; what is refused
python3 "$MODELS" words w.vec
embscope spectrum w.vec --directions 1
embscope spectrum w.vec --transform raw --transform center
embscope spectrum w.vec --csv --no-null
embscope spectrum w.vec --csv --transform raw --transform standardize | cut -d, -f1
python3 "$MODELS" many many.vec 2000 16
for threads in 1 2 7; do
    embscope spectrum many.vec --threads $threads --json |
        sed 's/"elapsed_seconds": *[^,}]*//' > $threads || exit
done
cmp 1 2 && cmp 1 7 && echo same
embscope spectrum many.vec --seed 1 --json | sed 's/"elapsed_seconds": *[^,}]*//' | cmp -s - 1 || echo another seed
try() { embscope spectrum "$@"; echo "exit $?"; }
try w.vec cat
try w.vec --null 2 --no-null
try w.vec --directions 0
try w.vec --transform raw --transform nothing
try w.vec --transform raw --transform center --plot both.svg
embscope knn w.vec --transform raw --transform center
echo "exit $?"
embscope knn w.vec -k 2 --transform raw > raw && embscope knn w.vec -k 2 | cmp - raw
printf '1 2\na 1 2\n' > one.vec
try one.vec
printf '3 2\na 1 2\nb 1 2\nc 2 4\n' > equal.vec
try equal.vec
