# All of S on disk
python3 "$MODELS" words w.vec
embscope matrix w.vec --all -o S.npy
cksum < S.npy
embscope matrix w.vec --all -o S16.npy --dtype f16 -q && cksum < S16.npy
embscope matrix w.vec --all -o /dev/stdout -q | cmp - S.npy
try() { embscope matrix w.vec "$@"; echo "exit $?"; }
try --all
try --all cat dog -o x.npy
try --all --random 3 -o x.npy
try --all --json -o x.npy
try --all -o w.vec
try --all -o missing/S.npy
try cat dog --dtype f16
try --all -o x.npy --dtype f64
# What cannot fit is refused before the work; what does not fit is cleared away
python3 - <<'END'
n = 4000000
header = f"{{'descr': '<f2', 'fortran_order': False, 'shape': ({n}, 1), }}"
with open("huge.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + header.ljust(117).encode() + b"\n")
    file.truncate(128 + 2 * n)
END
embscope matrix huge.npy --all -o huge-S.npy 2> err
echo "exit $?" && sed 's/and .* are free/and some are free/' err && rm err
python3 "$MODELS" many many.vec 3000 4
cp S.npy kept.npy
(ulimit -f 100; embscope matrix many.vec --all -o S.npy)
echo "exit $?"
embscope matrix many.vec --all -o /dev/full -q
echo "exit $?"
cmp S.npy kept.npy && ls -A
