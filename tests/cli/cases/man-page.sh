# The man page names every command and every option; mandoc finds no fault in it
embscope --generate man > embscope.1
for command in $(embscope help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | grep -v help); do
    grep -q "^.SS $command$" embscope.1 || echo "no $command"
    embscope help $command | grep -oE '^ +(-[a-z], )?--[a-z-]+' | grep -oE '[a-z-]+$' | sed 's/^--//' |
        while read -r name; do
            sed 's/\\-/-/g' embscope.1 | grep -q -- "--$name" || echo "no --$name"
        done
done
for name in version model token environment exit; do
    sed 's/\\-/-/g' embscope.1 | grep -qE "^.fB(--)?$name.fR" || echo "no $name"
done
if command -v mandoc > /dev/null; then mandoc -T lint embscope.1; fi
