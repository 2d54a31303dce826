python3 "$MODELS" words w.vec
printf 'cat\r\n\ndog\n' > words
embscope similarity w.vec cat dog --csv > typed
embscope similarity w.vec --tokens words --csv | cmp - typed
printf 'dog\n' | embscope similarity w.vec cat --tokens - --csv | cmp - typed
embscope matrix w.vec --tokens words --csv > from-file
embscope matrix w.vec cat dog --csv | cmp - from-file
embscope similarity w.vec --tokens nosuch
echo "exit $?"
head -c 1000 /dev/zero > zeros
embscope similarity w.vec --tokens zeros
