# On a terminal the text comes token by token, control characters escaped
script -qec true /dev/null < /dev/null > /dev/null 2>&1 || { echo "no terminal to be had from script(1)"; exit 77; }
[ -d "$EMBSCOPE_DATA/models/demo" ] || { echo "no models/demo"; exit 77; }
embscope generate demo 'A cat is a kind of' -q > whole
script -qefc "embscope generate demo 'A cat is a kind of' -q" log < /dev/null > /dev/null
sed 1d log | head -1 | tr -d '\r' | cmp - whole && echo "the same text"
script -qefc "embscope generate demo \"\$(printf 'caf\303\251 \033[2J')\" -n 1 -q" log < /dev/null > /dev/null
sed 1d log | head -1 | grep -c 'caf.. \\x1B\[2J'
script -qefc "embscope generate demo ''" log < /dev/null > /dev/null
sed 1d log | head -1 | cut -c 1-40 | tr -d '\r'
