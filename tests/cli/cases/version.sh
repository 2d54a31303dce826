embscope --version
