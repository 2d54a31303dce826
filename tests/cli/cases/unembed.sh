# Words as vectors, sums, files, residual streams; every form; what is refused
short() { sed -E 's/(\.[0-9]{9})[0-9]+/\1/g'; } # the last digits of exp and log are the machine's
python3 "$MODELS" words w.vec
embscope unembed w.vec cat -k 3
embscope unembed w.vec cat - dog + banana -k 2 --json | short
embscope unembed w.vec 'cat - dog + banana' -k 2 --json | sed -n '/"query"/p;/"vector"/p'
python3 "$MODELS" vector v.npy 1 0 0 1
embscope unembed w.vec --vector v.npy -k 20 --csv | short
python3 "$MODELS" cube cube.npy 2 3 4
embscope unembed w.vec --vector cube.npy --at 1,2 -k 1
printf 'king\ncat - dog\n' | embscope unembed w.vec --tokens - -k 1 --jsonl | short
python3 "$MODELS" npy rows.npy
embscope unembed w.vec --vector rows.npy -k 1 --csv 2> error; cat error
python3 "$MODELS" two other other
embscope unembed other cat -k 3
embscope unembed other cat --space output -k 3 --csv | short
embscope unembed other @3 --space input -k 1 --json | sed -n '/"source"/p;/"tied"/p;/"terms_from"/p'
for threads in 1 2 7; do
    embscope unembed other cat --threads $threads --csv | cksum
done | uniq | wc -l
embscope unembed demo cat --final-norm -k 2 --quiet
try() { embscope unembed "$@"; echo "exit $?"; }
try w.vec
try w.vec cat --vector v.npy
try w.vec cat --tokens list
try w.vec cat --at 1
try w.vec nobody
try w.vec zero
try w.vec cat --final-norm
try other cat --final-norm
try other cat --space output --final-norm
try demo --final-norm --transform center @1
try w.vec --vector cube.npy
for at in 1,2,3 x 1, -1 ,; do try w.vec --vector cube.npy --at=$at; done
try w.vec --vector cube.npy --at 2,0
try w.vec --vector none.npy
try w.vec --vector w.vec
try other --vector v.npy
try w.vec cat -k 0
try w.vec --vector v.npy -o v.npy --json
