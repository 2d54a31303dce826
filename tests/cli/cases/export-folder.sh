# The projector's folder: whole or not at all, and nobody else's file is touched
python3 "$MODELS" gpt2 tiny
embscope export tiny " cat" dog -o points/
cat points/metadata.tsv points/projector_config.json points/projector_config.pbtxt
cut -f 1 points/tensors.tsv | wc -l
try() { embscope export tiny --format projector -q "$@"; echo "exit $?"; }
cp -r points kept
try -o points
diff -r points kept
try -o points --rows 3 --force > /dev/null
wc -l < points/metadata.tsv
embscope export points/tensors.tsv -o points --force
echo "exit $?"
touch points/notes
try -o points --force
mkdir empty && try -o empty --rows 1 > /dev/null && ls empty
ln -s empty link && try -o link --force --rows 2 > /dev/null && wc -l < empty/metadata.tsv && [ -L link ]
try -o tiny
try -o tiny/config.json
try -o missing/points
try -o .
# No room for the files: the old folder stays, and no new one
cp -r kept full && python3 "$MODELS" many many.vec 3000 4
(ulimit -f 8; embscope export many.vec --format projector -o full --force)
echo "exit $?"
diff -r full kept
(ulimit -f 8; embscope export many.vec -o fresh/)
echo "exit $?"
echo old > old.npy
(ulimit -f 8; embscope export many.vec -o old.npy)
echo "exit $?"
cat old.npy
ls -A
