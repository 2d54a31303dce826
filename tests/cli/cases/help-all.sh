# Every command has help that opens with examples and fits a terminal
for command in $(embscope help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | grep -v help); do
    embscope help "$command" > text || echo "$command: exit $?"
    echo "$command: $(head -1 text)"
    awk -v name="$command" 'length > 80 { print name ": too long: " $0 }' text
done
