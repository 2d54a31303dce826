python3 "$MODELS" words w.vec
show() { echo "# $*"; embscope neighbors w.vec "$@" --csv; }
show cat
show cat -k 2
show cat --include-input -k 2
show cat --farthest -k 2
show cat --all --min 0.5
show cat --metric dot -k 3
show cat --metric euclidean -k 3
show cat --metric euclidean --min 6
show cat -k 1000
python3 "$MODELS" vector v.npy 1 0 0 0
show --vector v.npy -k 3
python3 "$MODELS" vector short.npy 1 0
show --vector short.npy
show --vector nosuch.npy
