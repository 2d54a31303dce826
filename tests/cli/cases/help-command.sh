# Both ways to a command's help, which opens with examples
embscope help similarity && embscope similarity --help > again && embscope help similarity | cmp - again
