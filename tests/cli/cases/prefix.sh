# Words are resolved together, and a note says what was done
python3 "$MODELS" gpt2 tiny
try() { embscope similarity tiny "$@" --csv > out; echo "exit $?"; cut -d, -f1,2,3 out | head -3; }
try cat dog
try cat dog banana
try cat dog banana --quiet
try cat dog --prefix space
try cat dog banana --prefix none
try cat dog banana --prefix none --pool mean
try ' cat' @259
