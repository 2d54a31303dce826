# The program is a user of the library: public headers, the system's, and its own folder's
cd "$SOURCE/cli" && grep -hn '^#include' ./*.[ch] | grep -vE '#include (<embscope/[a-z]+\.h>|"[a-z]+\.h"|<(sys/)?[a-z]+\.h>)$'
grep -hn '^#include "' ./*.[ch] | sed 's/.*"\(.*\)".*/\1/' | sort -u | while read -r file; do [ -f "$file" ] || echo "$file"; done
