# Every example of the help works as printed
command -v gnuplot > /dev/null || { echo "no gnuplot"; exit 77; }
[ -d "$EMBSCOPE_DATA/models/demo" ] || { echo "no models/demo"; exit 77; }
printf 'cat dog\n' > pairs.txt && printf 'a cat sat' > text.txt
# Under the sanitizers the longest are left to cases of their own, which run there on less
[ -z "$EMBSCOPE_SANITIZED" ] || longest='compare|drift|report|matrix|knn'
for command in '' $(embscope help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | grep -v help |
    grep -Evx "${longest:-none}"); do
    embscope help $command | sed -n '2,/^$/s/^  embscope /embscope /p' > lines
    [ -s lines ] || echo "$command: no examples"
    while read -r line; do
        sh -c "$line" > out 2> err < /dev/null || { echo "failed: $line"; cat err; }
    done < lines
done
