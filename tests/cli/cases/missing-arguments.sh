try() { embscope "$@"; echo "exit $?"; }
for command in info tokenize similarity neighbors matrix distribution report; do try $command; done
try info ''
try info demo demo
try similarity demo cat
try matrix demo cat
try neighbors demo
try distribution demo demo
