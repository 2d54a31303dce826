# "--" ends the options; so does text:
python3 "$MODELS" words w.vec
embscope neighbors w.vec -k 1 --csv -- -foo && embscope neighbors w.vec -k 1 --csv text:-foo
embscope neighbors w.vec -k 1 -foo
