# No progress line where standard error is no terminal, and none for quick work where it is
python3 "$MODELS" words w.vec
embscope distribution w.vec --csv > /dev/null
command -v script > /dev/null || exit 0
script -qec 'embscope distribution w.vec --csv > /dev/null' /dev/null < /dev/null
