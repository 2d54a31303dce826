# Ctrl-C while waiting for text: exit 130, at once
python3 "$MODELS" gpt2 tiny
mkfifo text
sleep 300 > text &
timeout --preserve-status -s INT 1 embscope tokenize tiny < text
echo "exit $?"
timeout --preserve-status -s TERM 1 embscope tokenize tiny -o out < text
echo "exit $?"
kill $! 2> /dev/null
ls -A
