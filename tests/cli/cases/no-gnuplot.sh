# Without gnuplot a figure is refused, with the reason, and nothing else is printed
python3 "$MODELS" words w.vec
program=$(command -v embscope)
PATH=/nowhere "$program" similarity w.vec cat dog --plot x.svg
echo "exit $?"
ls -A
