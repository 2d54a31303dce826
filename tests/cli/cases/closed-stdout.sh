python3 "$MODELS" words w.vec
embscope similarity w.vec cat dog >&-
echo "exit $?"
embscope similarity w.vec cat dog -o out.txt >&-
echo "exit $?, $(wc -l < out.txt) lines"
