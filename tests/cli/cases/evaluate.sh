# Data sets of every kind on eight words, one of them zero, in every form
python3 "$MODELS" words w.vec
printf '# word\tword\tscore\ncat\tdog\t9\ncat\tbanana\t1\napple\tbanana\t6\nking\tcat\t2\ncat\tzero\t5\nCat\tdog\t5\n' > pairs.tsv
printf 'word1,word2,sd,mean score\n"cat",dog,1,9\ncat,banana,1,1\napple,banana,2,6\n' > pairs.csv
printf ': animals\ncat dog dog cat\ncat dog copy dog\n: fruit\napple banana king -foo\napple pear king zero\n' > analogies.txt
printf 'cat dog banana\n*king cat dog copy\napple banana absent\n' > odd.txt
printf 'cat animal\ndog animal\nbanana fruit\napple fruit\n' > kinds.txt
embscope evaluate w.vec pairs.tsv analogies.txt odd.txt kinds.txt
embscope evaluate w.vec pairs.tsv pairs.csv odd.txt analogies.txt --csv --no-interval
embscope evaluate w.vec pairs.tsv odd.txt analogies.txt --csv --details
embscope evaluate w.vec pairs.csv --score SD --bootstrap 50 --seed 3 | sed -n 3,4p
embscope evaluate w.vec - --score 3 --no-interval < pairs.csv | sed -n 7p
embscope evaluate w.vec pairs.tsv --case ignore | sed -n 3,4p
embscope evaluate w.vec pairs.tsv --case lower --restrict 3 | sed -n 3,4p
embscope evaluate w.vec pairs.tsv --missing zero --no-interval | sed -n 3,4p
embscope evaluate w.vec kinds.txt odd.txt --kind odd-one-out 2>&1
embscope evaluate w.vec pairs.tsv analogies.txt odd.txt --details --json > json; grep -c . json
for threads in 1 2 7; do
    embscope evaluate w.vec pairs.tsv analogies.txt odd.txt --details --json --threads $threads > again
    grep -v elapsed_seconds json > a; grep -v elapsed_seconds again | cmp - a
done
try() { embscope evaluate "$@"; echo "exit $?"; }
try w.vec
try w.vec absent.tsv
try w.vec pairs.tsv --details
try w.vec pairs.tsv odd.txt --plot figure.svg
try w.vec - -
try w.vec pairs.tsv --no-interval --bootstrap 5
try w.vec pairs.tsv --restrict 9
try w.vec pairs.tsv --score mean
try w.vec pairs.tsv -o pairs.tsv
try w.vec demo-nothing
