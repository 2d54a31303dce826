# What follows a prompt, in every form; arrays for NumPy; what is refused
[ -d "$EMBSCOPE_DATA/models/demo" ] || { echo "no models/demo"; exit 77; }
python3 "$MODELS" words w.vec
python3 "$MODELS" gpt2 tiny
mask() { sed 's/ of [^ ]*demo\/model.safetensors/ of demo/'; }
embscope predict demo "A cat is a kind of" -k 3 | mask
embscope predict demo "The opposite of hot is" -k 2 --lens | mask
embscope predict demo "A car has a wheel." --position all | mask
embscope predict demo "A cat is" --position all --lens | mask
embscope predict demo "A cat is a kind of" --position -4 -k 1 --csv | cut -d, -f1-4,6-13
printf 'A cat\n\nA dog is a \n' > prompts
embscope predict demo --prompts prompts -k 1 --csv -q | cut -d, -f1-4
embscope predict demo --prompts prompts -k 1 --jsonl | wc -l
embscope predict demo --prompts - -k 1 --json -q < prompts | grep -c '"prompts"'
echo "A cat" | embscope predict demo - -k 2 --csv | cut -d, -f1-3
embscope predict demo "A cat" --position all --csv | cut -d, -f1-4,8,12
embscope predict demo "<|endoftext|>A" -k 1 --csv | cut -d, -f1-3
embscope predict demo "<|endoftext|>A" -k 1 --csv --special | cut -d, -f1-3
for threads in 1 2 7; do
    embscope predict demo "A cat is" --lens --position all --logits z.$threads --hidden h.$threads \
        --threads $threads --json | grep -v elapsed > json.$threads
done
cmp json.1 json.2 && cmp json.1 json.7 && cmp z.1 z.7 && cmp h.1 h.7 && echo the same for 1, 2 and 7 threads
head -c 128 z.1 | tail -c +11 && head -c 128 h.1 | tail -c +11
wc -c z.1 h.1
embscope predict demo "A cat is" -o table && embscope predict demo "A cat is" | cmp - table
try() { embscope predict "$@"; echo "exit $?"; }
try demo
try demo A cat
try demo ""
try demo "A" --position 1
try demo "A" --position x
try demo "A" -k 0
try demo "A" --prompts prompts
try demo --prompts prompts --plot x.svg
try demo "A" --logits z --hidden z
try demo "A" --logits missing/z
try demo "A" --position all --plot x.svg
try demo "$(printf 'x%.0s' $(seq 400)) $(printf ' cat%.0s' $(seq 400))"
try w.vec "cat"
try tiny "cat"
try demo "A" --json --csv
ls
