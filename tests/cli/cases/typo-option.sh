for option in --jsn --thread=2 --jason --zzz -json -z --nojson; do
    embscope info demo $option
    echo "exit $?"
done
