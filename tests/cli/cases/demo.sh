# The shipped model, through the article's first example
[ -d "$EMBSCOPE_DATA/models/demo" ] || { echo "no models/demo"; exit 77; }
embscope similarity demo cat dog banana
embscope similarity demo cat dog banana --json
embscope neighbors demo cat -k 5
