embscope help && embscope --help > again && embscope help | cmp - again
