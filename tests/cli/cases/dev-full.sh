# A full disk behind standard output
python3 "$MODELS" words w.vec
for format in '' --json --csv; do
    embscope similarity w.vec cat dog $format > /dev/full
    echo "exit $?"
done
embscope similarity w.vec cat dog -o /dev/full
echo "exit $?"
embscope help > /dev/full
