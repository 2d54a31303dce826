python3 "$MODELS" words w.vec
embscope matrix w.vec cat dog banana apple --json | python3 -c '
import json, sys
answer = json.load(sys.stdin)
print(sorted(answer))
print(answer["order"], round(sum(answer["eigenvalues"]), 12))'
embscope matrix w.vec --random 4 --seed 7 --json > one
embscope matrix w.vec --random 4 --seed 7 --json > two
sed 's/"elapsed_seconds": *[^,}]*//' one > a && sed 's/"elapsed_seconds": *[^,}]*//' two > b && cmp a b
