# Every figure is drawn, in every format, beside the same answer
command -v gnuplot > /dev/null || { echo "no gnuplot"; exit 77; }
python3 "$MODELS" words w.vec
draw() { embscope "$@" --csv > plain && embscope "$@" --csv --plot "$1.svg" | cmp - plain; head -c 5 "$1.svg"; echo; }
draw similarity w.vec cat dog
draw neighbors w.vec cat
embscope neighbors w.vec cat -k 1 --plot one.svg > /dev/null && head -c 5 one.svg && echo # one label
draw matrix w.vec cat dog banana apple
draw distribution w.vec
embscope knn w.vec -k 2 > plain && embscope knn w.vec -k 2 --plot knn.svg | cmp - plain; head -c 5 knn.svg; echo
embscope positions demo --csv > plain && embscope positions demo --csv --plot positions.svg | cmp - plain; head -c 5 positions.svg; echo
draw spectrum w.vec
printf '3 2\na 1 2\nb 1 2\nc 2 4\n' > equal.vec
embscope spectrum equal.vec --plot equal.svg > /dev/null && head -c 5 equal.svg && echo # no variance
draw cluster w.vec -k 3
embscope drift w.vec w.vec --csv > plain && embscope drift w.vec w.vec --csv --plot drift.svg | cmp - plain; head -c 5 drift.svg; echo
printf 'cat dog 9\ncat banana 1\nking apple 3\n' > pairs.txt && draw evaluate w.vec pairs.txt
printf ': "a\\b"\ncat dog banana apple\n' > analogies.txt && draw evaluate w.vec analogies.txt
printf 'cat dog banana\ncat banana zero\n' > odd.txt && draw evaluate w.vec odd.txt
printf 'cat a\ndog a\nbanana b\n' > kinds.txt && draw evaluate w.vec kinds.txt
embscope similarity w.vec cat dog --plot x.png > /dev/null && head -c 4 x.png | tail -c 3 && echo
embscope similarity w.vec cat dog --plot x.pdf > /dev/null && head -c 4 x.pdf && echo
embscope similarity w.vec cat dog --plot x.gif
echo "exit $?"
embscope similarity w.vec cat dog --plot nosuch/x.svg
echo "exit $?"
ls -A
