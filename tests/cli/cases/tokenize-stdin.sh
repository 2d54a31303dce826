# Text from arguments, joined by a space, and from standard input, every byte of it
python3 "$MODELS" gpt2 tiny
embscope tokenize tiny 'a cat sat' --csv > one
embscope tokenize tiny a cat sat --csv > three
printf 'a cat sat' | embscope tokenize tiny --csv > piped
printf 'a cat sat' | embscope tokenize tiny - --csv > dash
cmp one three && cmp one piped && cmp one dash && cat one
echo 'a cat' | embscope tokenize tiny --csv
printf 'a\000b\377' | embscope tokenize tiny --csv
printf '' | embscope tokenize tiny --csv
