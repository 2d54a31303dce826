# The nearest command, and exit 2
for word in simlarity neighbours infos distrib matirx zzz ''; do
    embscope "$word" demo
    echo "exit $?"
done
embscope help simlarity
