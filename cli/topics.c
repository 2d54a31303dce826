/* What no single command owns: shown by `embscope help TOPIC` and in the man page. */
#include "command.h"

static const char *const model_text[] = {
    "Where a space comes from; told by content, not by a file's ending:",
    "1. a folder as the Hugging Face Hub lays it out: config.json, model.safetensors (or "
    "model.safetensors.index.json with its shards), and the tokenizer's files;",
    "2. one file: safetensors, NumPy .npy or .npz, or word vectors (word2vec text or binary, "
    "GloVe, "
    "fastText .vec), text ones also gzipped;",
    "3. an id of the Hub, such as gpt2 or openai-community/gpt2, looked up in your Hugging Face "
    "cache; a path that exists comes before an id of the same name;",
    "4. demo: the small GPT-2-shaped model that ships with embscope and needs no network; "
    "demo@100, demo@500, demo@2000 and demo@4000 are its token table at those steps of its "
    "training, which took 5,800.",
    "Where a model has several tables, --space or --tensor chooses; --vocab names the rows of a "
    "bare "
    "matrix, which are #0, #1 ... otherwise.",
    NULL};

static const char *const token_text[] = {
    "@25996 is an id. text:... is text taken literally, whatever it looks like. Anything else is "
    "text.",
    "A word vocabulary looks the text up. A subword vocabulary encodes it, adding no special "
    "tokens, and takes it if it is one token. Words given together are resolved together: if every "
    "word is one token as typed, so; else, if every word is one token with a leading space, those, "
    "and a note says so; else the error shows each word's pieces. --prefix decides it by hand, and "
    "--pool mean lets a word of several tokens stand for the mean of their unit rows.",
    "A token that starts with '-' goes after '--', or is written as text:-...", NULL};

static const char *const environment_text[] = {
    "HF_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub, else "
    "HOME/.cache/huggingface/hub: the Hugging Face cache that ids are looked up in.",
    "EMBSCOPE_DATA: the folder with models/demo, when it is not beside the program.",
    "NO_COLOR: when set and not empty, no colours on a terminal.",
    "EMBSCOPE_KERNEL: the instruction set of the arithmetic, such as scalar; answers are the same.",
    NULL};

static const char *const exit_text[] = {
    "0: done.",
    "1: the input cannot be used; one line on standard error says which file, where in it, and "
    "why (a few lines where words are not single tokens).",
    "2: wrong usage.",
    "3: the output cannot be written; what was there before is unchanged.",
    "130: interrupted.",
    NULL};

const cli_topic cli_topics[] = {
    {"model", "MODEL", "where a space comes from: folder, file, Hub id or demo", model_text},
    {"token", "TOKEN", "how to name a row: text, text:..., @id", token_text},
    {"environment", "Environment", "variables that are heard", environment_text},
    {"exit", "Exit status", "what the exit code says", exit_text},
    {0}};
