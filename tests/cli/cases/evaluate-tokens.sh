# Words of a byte-level BPE: with a leading space, pooled where several tokens, told apart
python3 "$MODELS" gpt2 model
printf 'cat\tdog\t9\ncat\tbanana\t1\ndog\tbanana\t2\ncat\tog\t3\nban\tana\t4\ncat\tana\t2\n' > pairs.tsv
embscope evaluate model pairs.tsv
embscope evaluate model pairs.tsv --prefix none --csv --details
embscope evaluate model pairs.tsv --case ignore; echo "exit $?"
printf 'cat dog banana\ncat dog ana\n' > odd.txt
embscope evaluate model odd.txt --csv
printf ': s\ncat dog banana ban\ncat dog ana ban\n' > analogies.txt
embscope evaluate model analogies.txt --csv --details
