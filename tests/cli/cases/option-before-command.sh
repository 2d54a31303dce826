embscope --json info demo
