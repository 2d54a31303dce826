# A question a line: words, sums, ids; an answer for each
python3 "$MODELS" words w.vec
printf 'cat\r\n\nking - apple + banana\n@3\ntext:-foo\n' > lines
embscope neighbors w.vec --tokens lines -k 2
embscope neighbors w.vec --tokens lines -k 2 --csv
embscope neighbors w.vec --tokens lines -k 1 --metric dot --jsonl
printf 'cat\n' | embscope neighbors w.vec --tokens - -k 1 --json
try() { embscope neighbors w.vec "$@"; echo "exit $?"; }
try cat --tokens lines
try --tokens lines --plot plot.svg
try --tokens lines --vector v.npy
printf 'cat -\n' > lines && try --tokens lines
printf 'cat - \n' > lines && try --tokens lines
printf 'cat\nzero\n' > lines && try --tokens lines
printf '\n\n' > lines && try --tokens lines
