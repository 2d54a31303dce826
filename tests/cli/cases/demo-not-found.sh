EMBSCOPE_DATA=$PWD/empty embscope info demo
