# The same rows out of every format: the same answer
python3 "$MODELS" words w.vec && python3 "$MODELS" binary w.bin && python3 "$MODELS" npy w.npy
gzip -k w.vec
cut -d' ' -f1 w.vec | tail -n +2 > names
for file in w.vec w.bin w.vec.gz; do embscope similarity $file cat dog --csv > $file.csv; done
embscope similarity w.npy --vocab names cat dog --csv > named.csv
cmp w.vec.csv w.bin.csv && cmp w.vec.csv w.vec.gz.csv && cmp w.vec.csv named.csv && cat named.csv
embscope similarity w.npy @0 @1 --csv
