# Eight words to every format and back; what is refused; what is left when it fails
python3 "$MODELS" words w.vec
embscope export w.vec -o w.npy
embscope export w.vec -o w.bin --json
embscope export w.vec -o w.txt -q && cat w.txt
embscope export w.vec -o g --format glove --rows 2 -q > /dev/null && cat g
embscope export w.vec cat banana -o two.safetensors --dtype f16 --unit
embscope export w.vec --random 3 --seed 2 -o three.npz -q > /dev/null && embscope info three.npz | head -4
for file in w.npy w.bin w.txt three.npz; do
    for threads in 1 2 7; do
        case $file in three.npz) rows='--random 3 --seed 2' ;; *) rows= ;; esac
        embscope export w.vec $rows -o again.$file --threads $threads > /dev/null && cmp $file again.$file
    done
done
embscope neighbors w.bin cat -k 1 --csv
printf 'dog\nzero\n' > tokens
embscope export w.vec --tokens tokens -o t.vec > /dev/null && cat t.vec
try() { embscope export w.vec "$@"; echo "exit $?"; }
try
try -o odd.dat
try -o w.vec
try -o tokens --tokens tokens --format npy
try -o x.bin --dtype f16
try -o x.npy --rows 3 --random 2
try -o x.npy --rows 3 cat
try -o x.npy --seed 3
try -o x.npy --random 8
try -o x.npy nothing
try -o missing/x.npy
try -o x.npy --format parquet
ls -A
