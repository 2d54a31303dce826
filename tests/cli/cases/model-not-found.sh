# The error says how to get it, and nothing is printed
try() { embscope "$@"; echo "exit $?"; }
try info nosuch.vec
try info ./nosuch/folder
try info nosuch-org/nosuch-model
