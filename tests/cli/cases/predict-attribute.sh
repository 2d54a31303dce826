# What each part of the model adds to a logit, in every form; words that name no logit
[ -d "$EMBSCOPE_DATA/models/demo" ] || { echo "no models/demo"; exit 77; }
embscope predict demo 'A cat is a kind of' --attribute ' feline' --against ' animal' -k 2 | sed -n '/^what adds/,$p'
embscope predict demo 'A cat is a kind of' --attribute feline-animal --csv | sed -E 's/([.][0-9]{5})[0-9]*/\1/' > csv && wc -l < csv && head -4 csv
embscope predict demo 'A cat is a kind of' --attribute @top --json > json
python3 -c '
import json
answer = json.load(open("json"))
parts = answer["attribution"]
print(parts["token"], parts["against"], parts["position"], len(parts["parts"]), len(parts["path"]))
print(abs(sum(p["contribution"] for p in parts["parts"]) + parts["remainder"] - parts["logit"]) < 1e-12,
      abs(parts["logit"] - answer["next"][0]["logit"]) < 1e-9, abs(parts["remainder"]) < 1e-5)'
embscope predict demo 'A cat is a kind of' --attribute @top --against @second --position 0 | grep '^what adds'
embscope predict demo 'A cat is a kind of' --attribute @second --position -2 | grep '^what adds'
embscope predict demo 'A cat is a kind of' --attribute @top | sed -n '/^what adds/,$p' > last
embscope predict demo 'A cat is a kind of' --attribute @top --position all | sed -n '/^what adds/,$p' | cmp - last
try() { embscope predict demo 'A cat is' "$@"; echo "exit $?"; }
try --attribute xyzzy
try --attribute xyzzy-cat
try --attribute ' cat' --against ' cat'
try --attribute cat-dog --against banana
try --attribute @99999
try --against cat
try --attribute ''
printf 'A cat\nA dog\n' > prompts
embscope predict demo --prompts prompts --attribute @top
echo "exit $?"
