# Broken data sets: one line, where and why
python3 "$MODELS" words w.vec
try() { printf "$1" > set.txt; shift; embscope evaluate w.vec set.txt "$@"; echo "exit $?"; }
try ''
try '# nothing\n'
try 'cat\ndog\n'
try 'a b c d\n'
try 'cat\tdog\t1,5\n'
try 'cat\tdog\tnan\n'
try 'cat\tdog\t1\ncat\tdog\n'
try 'cat\tdog\t1\ncat\0\tdog\t1\n'
try 'cat\tdog\t1\ncaf\351\tdog\t1\n'
try ': s\ncat dog\n'
try 'cat *dog *banana\n'
try 'a,b,1\n"c,d,1\n'
try 'cat animal\ndog thing\n'
try 'cat\tdog\t1\n' --kind analogies
try 'nobody\tnowhere\t1\n' --plot figure.svg
head -c 100000000 /dev/zero | tr '\0' a > set.txt; embscope evaluate w.vec set.txt; echo "exit $?"
head -c 10000000 /dev/zero | tr '\0' a > set.txt; embscope evaluate w.vec set.txt; echo "exit $?"
embscope evaluate w.vec /; echo "exit $?"
python3 "$MODELS" npy bare.npy; printf 'a b 1\n' > set.txt; embscope evaluate bare.npy set.txt; echo "exit $?"
