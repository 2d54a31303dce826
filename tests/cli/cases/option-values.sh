# Missing, empty, out of range, not a number, given twice
try() { embscope "$@"; echo "exit $?"; }
try neighbors demo cat -k
try neighbors demo cat -k 0
try neighbors demo cat -k -1
try neighbors demo cat -k5x
try neighbors demo cat --count=99999999999999999999
try neighbors demo cat --count=
try neighbors demo cat -k 1 --count 2
try neighbors demo cat --min nan
try neighbors demo cat --min 0x1
try neighbors demo cat --min 1e999
try neighbors demo cat --metric cos
try info demo --json=yes
try info demo --threads 0
try info demo --space sideways
try info demo -o ''
