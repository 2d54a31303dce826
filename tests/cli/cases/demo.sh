# The shipped model, through the article's first example
[ -d "$EMBSCOPE_DATA/models/demo" ] || { echo "no models/demo"; exit 77; }
embscope similarity demo cat dog banana --json --quiet > similarity.json
embscope neighbors demo cat -k 5 --quiet --csv > five
embscope neighbors demo cat -k 10 --quiet --csv --threads 1 | head -6 | cmp - five
embscope similarity demo cat dog banana --json --quiet --threads 1 | python3 -c '
import json, sys
one, many = json.load(sys.stdin), json.load(open("similarity.json"))
del one["elapsed_seconds"], many["elapsed_seconds"]
cosine = one["cosine"]
print([token["text"] for token in one["tokens"]])
print("dog is nearer to cat than banana is:", cosine[0][1] > cosine[0][2])
print("the same for any number of threads:", one == many)'
