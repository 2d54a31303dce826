# --all --min without a token: every pair at that cosine
python3 "$MODELS" words w.vec
embscope neighbors w.vec --all --min 0.7
embscope neighbors w.vec --all --min 0.96 --csv
embscope neighbors w.vec --all --min 0.96 --jsonl
embscope neighbors w.vec --all --min 0.97 --json
embscope neighbors w.vec --all --min 0.7 -o file && embscope neighbors w.vec --all --min 0.7 | cmp - file
try() { embscope neighbors w.vec "$@"; echo "exit $?"; }
try --all
try --min 0.7
try --all --min 1.01
try --all --min 0.7 --metric dot
try --all --min 0.7 --farthest
try --all --min 0.7 -k 3
try --all --min 0.7 --plot plot.svg
