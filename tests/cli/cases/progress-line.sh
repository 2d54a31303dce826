# On a terminal, work of more than a second shows how far it is; --quiet does not
command -v script > /dev/null || { echo "no script(1) for a terminal"; exit 77; }
python3 "$MODELS" big big.npy
on_terminal() { script -qec "timeout -s INT 2 embscope distribution big.npy --threads 1 $1 > out" /dev/null < /dev/null; }
on_terminal '' | grep -qE 'distribution: +[0-9]+ %, [0-9.]+ [kMG]/s, [0-9]+ s left' && echo shown
on_terminal --quiet | tr -cd % | wc -c
