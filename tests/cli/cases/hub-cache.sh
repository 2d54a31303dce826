# An id is looked up as the huggingface_hub library lays its cache out
try() { env "$@" embscope info gpt2 --csv > out; echo "exit $?"; cmp -s out expected && echo found; }
make() {
    mkdir -p "$1/models--gpt2/refs" "$1/models--gpt2/snapshots"
    printf abc123 > "$1/models--gpt2/refs/main"
    python3 "$MODELS" gpt2 "$1/models--gpt2/snapshots/abc123"
}
make cache
embscope info cache/models--gpt2/snapshots/abc123 --csv > expected
try HF_HUB_CACHE="$PWD/cache"
mkdir home && mv cache home/hub
try HF_HOME="$PWD/home"
mkdir -p xdg && mv home xdg/huggingface
try XDG_CACHE_HOME="$PWD/xdg"
mkdir -p user && mv xdg user/.cache
try HOME="$PWD/user"
# nearer variables win; empty ones are not heard
try HF_HUB_CACHE= HF_HOME= XDG_CACHE_HOME= HOME="$PWD/user"
try HF_HUB_CACHE="$PWD/nothing" HOME="$PWD/user"
try HOME="$PWD/nobody"
env -u HOME embscope info gpt2
echo "exit $?"
# a path that exists comes first
mkdir gpt2 && embscope info gpt2
echo "exit $?"
