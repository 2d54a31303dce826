# Two tokens a line, parted by a TAB, a comma or spaces
python3 "$MODELS" words w.vec
printf 'cat\tdog\r\n\r\nbanana\tapple\r\n' > tab
printf '\357\273\277cat,dog\nbanana,apple' > comma
printf '  cat   dog  \nbanana apple\n' > space
for file in tab comma space; do embscope similarity w.vec --pairs $file --csv > $file.csv; done
embscope similarity w.vec --pairs - --csv < tab > stdin.csv
cmp tab.csv comma.csv && cmp tab.csv space.csv && cmp tab.csv stdin.csv && cat tab.csv
try() { embscope similarity w.vec --pairs "$@"; echo "exit $?"; }
printf 'cat dog\ncat\n' > one && try one
printf 'cat\tdog\t3\n' > three && try three
printf 'cat \000dog\n' > nul && try nul
: > empty && try empty
try nosuch
try .
