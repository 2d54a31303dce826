try() { embscope "$@"; echo "exit $?"; }
try info demo --json --csv
try info demo --space input --tensor wte
try neighbors demo cat --all -k 3
try neighbors demo cat --vector v.npy
try similarity demo cat dog --pairs p.txt
try matrix demo cat dog --random 3
try matrix demo --all -o s.npy --seed 3
try matrix demo cat dog -o x.svg --plot x.svg
try tokenize demo --decode 3 --special
