# Colour on a terminal, but not with NO_COLOR, --json, --csv or a dumb terminal
script -qec true /dev/null < /dev/null > /dev/null 2>&1 || { echo "no terminal to be had from script(1)"; exit 77; }
python3 "$MODELS" words w.vec
escapes() { script -qec "$1" /dev/null < /dev/null | tr -cd '\033' | wc -c; }
[ "$(escapes 'embscope similarity w.vec cat dog')" -gt 0 ] && echo colour
escapes 'NO_COLOR=1 embscope similarity w.vec cat dog'
escapes 'TERM=dumb embscope similarity w.vec cat dog'
escapes 'embscope similarity w.vec cat dog --json'
escapes 'embscope similarity w.vec cat dog --csv'
[ "$(escapes 'NO_COLOR= embscope similarity w.vec cat dog')" -gt 0 ] && echo colour
embscope similarity w.vec cat dog | tr -cd '\033' | wc -c
