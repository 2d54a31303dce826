python3 "$MODELS" words w.vec
try() { embscope "$@"; echo "exit $?"; }
try similarity w.vec cat dgo
try similarity w.vec cat @99
try similarity w.vec cat @x
