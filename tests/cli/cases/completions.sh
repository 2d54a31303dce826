# The completion of bash offers commands, options, choices and the demo
embscope --generate bash > embscope.bash
cat > ask.bash <<'END'
source ./embscope.bash
compopt() { :; }
ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _embscope; echo "${COMPREPLY[*]}"; }
complete -p embscope
ask embscope ''
ask embscope si
ask embscope similarity d
ask embscope similarity demo --pre
ask embscope similarity demo --space ''
ask embscope similarity demo --space = o
ask embscope neighbors demo --metric c
ask embscope help ne
END
bash ask.bash
embscope --generate zsh | head -1
embscope --generate fish | grep -c '^complete -c embscope'
embscope --generate tcsh
