python3 "$MODELS" gpt2 tiny
embscope tokenize tiny --decode 64 258 220 82 256 | od -c
embscope tokenize tiny --decode @64 @258 | od -c
echo '64 258' | embscope tokenize tiny --decode | od -c
# what is encoded comes back, byte for byte
printf 'a cat\000\377 sat\n' > text
embscope tokenize tiny --json < text | python3 -c '
import json, sys
print(*(token["id"] for token in json.load(sys.stdin)["tokens"]))' > ids
embscope tokenize tiny --decode < ids > back
head -c 13 back | cmp - text
embscope tokenize tiny --decode 64 99999
echo "exit $?"
embscope tokenize tiny --decode cat
