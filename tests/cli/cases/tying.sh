# Whether two tables are one, how it was found, and the two side by side
for how in equal wide three other; do
    python3 "$MODELS" two $how $how
    embscope info $how | grep ^tied
    embscope info $how --space output --csv | cut -d, -f2,9
    embscope info $how --json | sed -n '/"tied"/p;/"untied_rows"/p;/"tying"/p'
done
embscope info other --tying
embscope info other --tying --csv | head -3
for threads in 1 2 7; do
    embscope info other --tying --threads $threads --json | sed '/"elapsed_seconds"/d' > $threads
done
cmp 1 2 && cmp 1 7 && grep -c '"geometry": {' 1
embscope info three --tying | sed -n '/own row/p;/correlation of the cosines  /p'
python3 "$MODELS" gpt2 tied
embscope info tied --tying | tail -1
embscope info tied --tying --json | grep geometry
embscope info tied --tying --csv
python3 "$MODELS" words w.vec
try() { embscope info "$@"; echo "exit $?"; }
try w.vec --tying
try tied --tying --plot x.svg
try other --plot x.svg
try other --tying cat
