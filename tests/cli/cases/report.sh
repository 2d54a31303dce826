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
