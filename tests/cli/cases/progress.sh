# No progress line where standard error is no terminal, and none for quick work where it is
python3 "$MODELS" words w.vec
embscope distribution w.vec --csv > /dev/null
script -qec true /dev/null < /dev/null > /dev/null 2>&1 || { echo "no terminal to be had from script(1)"; exit 77; }
script -qec 'embscope distribution w.vec --csv > /dev/null' /dev/null < /dev/null
