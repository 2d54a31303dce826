# A prompt gone on with, in every form; where it ends; what is refused
[ -d "$EMBSCOPE_DATA/models/demo" ] || { echo "no models/demo"; exit 77; }
embscope generate demo 'A cat is a kind of'
embscope generate demo 'A cat is a kind of' -n 4 --table
embscope generate demo 'A cat is a kind of' -n 4 --csv | sed -E 's/(0[.][0-9]{6})[0-9]*/\1/'
embscope generate demo 'A cat' -n 3 --past-end --json > json && grep -E '"(prompt|generated|text|end|sampling)"' json | sed -E 's/(0[.][0-9]{6})[0-9]*/\1/g'
embscope generate demo 'A cat is' -n 6 --temperature 0.8 --top-k 40 --top-p 0.9 --seed 7 --json > json
python3 -c '
import json
answer = json.load(open("json"))
print(answer["sampling"], answer["end"], answer["text"] != "A cat is", max(t["rank"] for t in answer["generated"]) <= 40)'
embscope generate demo 'A cat is' -n 6 --seed 3 > once && embscope generate demo 'A cat is' -n 6 --seed 3 --threads 1 | cmp - once
embscope generate demo 'A cat is' -n 6 --seed 4 | cmp -s - once || echo "another seed, another text"
embscope generate demo 'A cat is' --seed 4 --temperature 0 -q > cold && embscope generate demo 'A cat is' -q | cmp - cold
# the prompt from standard input, without its last line end; -o
echo 'A cat is a kind of' | embscope generate demo -q > piped
echo 'A cat is a kind of' | embscope generate demo - -q -o file && embscope generate demo 'A cat is a kind of' -q | cmp - file && cmp piped file
# special tokens
embscope generate demo --special '<|endoftext|>' -n 2 --json -q | grep '"prompt"'
# the context is full
embscope generate demo "$(printf 'cat %.0s' $(seq 30))cat" -n 1000 --past-end > full && wc -l < full
try() { embscope generate "$@"; echo "exit $?"; }
try demo ''
try demo "$(printf 'a cat %.0s' $(seq 100))"
try demo a cat
try demo cat -n 0
try demo cat --seed 1.5
try demo cat --seed -1
try demo cat --top-p 0
try demo cat --top-p 1.1
try demo cat --top-k 0
try demo cat --temperature -1
try demo cat --table --json
python3 "$MODELS" words w.vec
try w.vec cat
python3 "$MODELS" gpt2 tiny
try tiny cat
