# Help, but on standard error: nothing was asked
embscope
