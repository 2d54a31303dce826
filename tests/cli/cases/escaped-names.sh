# Names of files and arguments reach a terminal with their control characters escaped
try() { embscope "$@"; echo "exit $?"; }
try info "$(printf 'a\nb\033[31m')"
try "$(printf 'in\033fo')" x
try info demo "$(printf -- '--js\377on')"
try similarity nosuch.vec --tokens "$(printf 'no\302\205such')" x
