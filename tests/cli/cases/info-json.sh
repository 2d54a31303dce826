python3 "$MODELS" words w.vec
embscope info w.vec --json | python3 -m json.tool
