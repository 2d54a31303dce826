# Short on the terminal, an object, and one self-contained page
python3 "$MODELS" many many.vec 200 8
embscope report many.vec > short && [ -s short ] && echo short
embscope report many.vec --json | python3 -m json.tool > /dev/null && echo json
command -v gnuplot > /dev/null || { echo "no gnuplot"; exit 77; }
embscope report many.vec -o report.html && grep -c '<svg' report.html | grep -v '^0$' > /dev/null && echo html
grep -oiE '(src|href)="?https?:[^" >]*' report.html
embscope report many.vec w1 w2 w3 w4 -o report.html
embscope report many.vec w1 nosuch -o report.html
echo "exit $?"
embscope report many.vec -o report.json
echo "exit $?"
ls -A
# Two models: a second argument that names one, or --with; a word is a word
embscope report many.vec many.vec --json | grep -c '"comparison"'
embscope report many.vec --with many.vec w1 w2 w3 -q -o two.html && grep -c '<h2' two.html
embscope report many.vec w1
embscope report many.vec --with nosuch
embscope report many.vec many.vec --prompt hello
embscope report many.vec --prompt hello
# A model that can be run, and its own words on one that cannot
[ -d "$EMBSCOPE_DATA/models/demo" ] || { echo "no models/demo"; exit 77; }
embscope report demo --prompt "A dog is a kind of" | grep -A3 '^From angle'
embscope report demo --prompt ""
embscope report many.vec | grep -A2 '^From angle'
embscope report demo --prompt "A dog is a kind of" -o demo.html && grep -c 'id="prediction"' demo.html
