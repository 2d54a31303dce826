# A folder, an input, a link to nothing
python3 "$MODELS" words w.vec && cp w.vec copy && mkdir folder
printf 'cat dog\n' > pairs.txt
ln -s nowhere dangling && ln -s w.vec alias
try() { embscope similarity "$@"; echo "exit $?"; }
try w.vec cat dog -o folder
try w.vec cat dog -o w.vec
try w.vec cat dog -o ./alias
try w.vec cat dog --plot w.vec
try w.vec --pairs pairs.txt -o pairs.txt
try w.vec cat dog -o dangling
python3 "$MODELS" gpt2 tiny && cp tiny/vocab.json vocab.json
try tiny cat dog -o tiny/vocab.json
try tiny cat dog -o tiny/model.safetensors
cmp w.vec copy && cmp tiny/vocab.json vocab.json && cat pairs.txt
ls -A
