# On a terminal, work of more than a second shows how far it is; --quiet does not
script -qec true /dev/null < /dev/null > /dev/null 2>&1 || { echo "no terminal to be had from script(1)"; exit 77; }
python3 "$MODELS" big big.npy
script -qefc '
    embscope distribution big.npy --threads 1 > out & pid=$!
    tries=0
    while [ $tries -lt 600 ] && ! grep -q % log && kill -0 $pid; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill $pid
    wait $pid' log < /dev/null > /dev/null
grep -qE 'distribution: +[0-9]+ %, [0-9.e+]+ ?[kMG]?/s, ([0-9]+ min )?[0-9]+ s left' log && echo shown
script -qefc 'timeout -s INT 3 embscope distribution big.npy --threads 1 --quiet > out' quiet < /dev/null > /dev/null
grep -c '%' quiet || true
