# Nothing is written where nothing may be
python3 "$MODELS" words w.vec
mkdir locked && echo old > locked/old && chmod 755 . && chmod 555 locked
if [ "$(id -u)" = 0 ]; then
    as="setpriv --reuid=65534 --regid=65534 --clear-groups"
    $as embscope --version > /dev/null 2>&1 || { echo "cannot run as another user here"; exit 77; }
else
    as=
fi
$as embscope similarity w.vec cat dog -o locked/new
echo "exit $?"
$as embscope similarity w.vec cat dog -o locked/old
echo "exit $?"
ls -A locked && cat locked/old
embscope similarity w.vec cat dog -o nosuch/new
echo "exit $?"
embscope similarity w.vec cat dog -o w.vec/new
