# The same bytes for any number of threads
python3 "$MODELS" many many.vec 2000 16
for threads in 1 2 7; do
    embscope distribution many.vec --threads $threads --json |
        sed 's/"elapsed_seconds": *[^,}]*//' > $threads || exit
done
cmp 1 2 && cmp 1 7 && echo same
embscope distribution many.vec --bins 4 --csv
