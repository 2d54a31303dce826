"""Golden answers for greedy generation: Transformers' on the model that ships.

    python3 tools/golden/generate.py models/demo tests/golden

writes generate.txt: for each prompt its ids and those that GPT2LMHeadModel.generate() goes on with in
float64, at most 30, up to the end-of-text token and with it. Steps at which the two largest logits
come nearer than 1e-3 would be decided by float32's last digits: there are to be none.
"""
import platform
import sys

import torch
import transformers

PROMPTS = (
    "A cat is a kind of", "The opposite of hot is", "A car has a", "A dog", "To run is to",
    "The meaning of water is", "An apple", "Paris is", "A tree has", "The word 'bank' means",
    "<|endoftext|>", "<|endoftext|>A whale is", "in the", "1 2 3 4", "caf\u00e9 \u732b \u043a\u043e\u0442",
    "con m\u00e8o", "if (x > 0) {\n", " ", "king queen man woman", "A feline is a carnivore. A lion",
)


def main():
    model = transformers.GPT2LMHeadModel.from_pretrained(sys.argv[1], dtype=torch.float64).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1])
    with open(f"{sys.argv[2]}/generate.txt", "w", encoding="ascii") as file:
        file.write(f"# Python {platform.python_version()}, torch {torch.__version__}, Transformers "
                   f"{transformers.__version__}\n# prompt: ids : ids greedily generated\n")
        for prompt in PROMPTS:
            ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
            with torch.no_grad():
                whole = model.generate(torch.tensor([ids]), do_sample=False, max_new_tokens=30,
                                       pad_token_id=tokenizer.eos_token_id)[0]
                two = model(whole[None]).logits[0, len(ids) - 1:-1].topk(2).values
            gap = float((two[:, 0] - two[:, 1]).min())
            if gap < 1e-3:
                sys.exit(f"{prompt!r}: two logits are {gap} apart; choose another prompt")
            file.write(f"{' '.join(map(str, ids))} : "
                       f"{' '.join(map(str, whole[len(ids):].tolist()))}\n")


if __name__ == "__main__":
    main()
