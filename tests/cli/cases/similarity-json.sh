# The contract's keys, and JSON that another reader accepts
python3 "$MODELS" words w.vec
embscope similarity w.vec cat dog banana --json | python3 -m json.tool
