# categories from a file: contrast, and every fault of such a file in a line
python3 "$MODELS" words w.vec
try() { embscope "$@"; echo "exit $?"; }
say() { printf '%b' "$1" > c.txt; }
say 'cat\tanimal\ndog,animal\n\nbanana\tsoft fruit\napple\tsoft fruit\n'
embscope matrix w.vec --categories c.txt --json | python3 -c '
import json, sys
answer = json.load(sys.stdin)
found = answer["categories"]
print([token["text"] for token in answer["tokens"]], [kind["name"] for kind in found["list"]], found["labels"])
print(found["labelings"], round(found["within"], 6), round(found["between"], 6), found["permutations"])
print(answer["clusters"]["labels"], answer["clusters"]["asked"], answer["random_sets"]["count"])'
try matrix w.vec dog cat apple --categories c.txt --clusters 2
try matrix w.vec cat dog king --categories c.txt
try matrix w.vec cat dog --categories c.txt
try matrix w.vec cat banana --categories c.txt
try matrix w.vec cat dog --clusters 3
say 'cat\tanimal\ndog\tanimal\ncat\tpet\n'
try matrix w.vec --categories c.txt
say 'cat\tanimal\ndog\n'
try matrix w.vec --categories c.txt
say '\n'
try matrix w.vec --categories c.txt
try matrix w.vec --categories absent.txt
try matrix w.vec --random 3 --categories c.txt
try matrix w.vec cat dog --permutations 5
try matrix w.vec --all -o s.npy --clusters 5
# n = 2, the same token twice, all rows equal
for words in "cat dog" "cat cat dog" "cat copy cat"; do
    embscope matrix w.vec $words --json | python3 -c '
import json, sys
answer = json.load(sys.stdin)
print(answer["clusters"]["count"], answer["silhouette"]["mean"], answer["cophenetic"], answer["mds"]["variance_share"][0] and round(answer["mds"]["variance_share"][0], 9))'
done
# random sets that do not vary: nothing to count their standard deviations by
printf '5 3\na 0.1 0.7 0.3\nb 0.1 0.7 0.3\nc 0.1 0.7 0.3\nd 0.1 0.7 0.3\ne 0.1 0.7 0.3\n' > e.vec
embscope matrix e.vec a b c d | grep -E '^(largest|mean)'
