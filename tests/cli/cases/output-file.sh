# The file appears with the user's mode; nothing goes to standard output; an old mode is kept
python3 "$MODELS" words w.vec
umask 027
embscope similarity w.vec cat dog --csv -o new.csv && stat -c %a new.csv
embscope similarity w.vec cat dog --csv | cmp - new.csv
echo old > old.csv && chmod 604 old.csv
embscope similarity w.vec cat dog --csv --output old.csv && stat -c %a old.csv
cmp new.csv old.csv
# a link stays a link
echo old > target && ln -s target link
embscope similarity w.vec cat dog --csv -o link && cmp new.csv target && readlink link
# devices and pipes are written to, not replaced
embscope similarity w.vec cat dog --csv -o /dev/stdout | cmp - new.csv
ls -A
