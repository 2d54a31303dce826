"""What Transformers' GPT-2 says in float64, for tests/unit/test_model.c.

    python3 tools/golden/gpt2.py models/demo > tests/golden/gpt2.txt

Made with Transformers 5.24.0 and PyTorch 2.15.0 under Python 3.11. Three
models have made-up weights, each a formula of its place that tests/unit/gpt2_models.h has too; then
`demo`, whose prompts are text in several scripts, as hexadecimal. One line a position:

    at T largest logsumexp digest 4-logits  L+1 x (digest of the residual stream, logsumexp of the
    logits that ln_f and the unembedding make of it)

A digest is a sum times numbers in [-1, 1) from the same generator, seed 77: it differs where any
component does. The four logits are those of ids 0, 1, rows // 2 and rows - 1.
"""

import sys

import numpy
import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel, GPT2Tokenizer

# seed layers heads width inner context rows activation head(0 tied, 2 another) scale_by_layer
PLANS = [(21, 3, 4, 32, 128, 96, 211, "gelu_new", 0, 0), (22, 2, 3, 24, 40, 80, 97, "gelu", 2, 1),
         (23, 4, 1, 20, 80, 70, 150, "relu", 0, 1)]
LENGTHS = (1, 17, 66)
PROMPTS = [
    "A cat is a kind of", "The opposite of hot is", "A car has a", "hello world", " ", "\n\n",
    "The quick brown fox jumps over the lazy dog.", "na\u00efve caf\u00e9 fa\u00e7ade \u00fcber",
    "Con m\u00e8o l\u00e0 m\u1ed9t lo\u00e0i \u0111\u1ed9ng v\u1eadt",
    "Vi\u1ec7t Nam \u0111\u1ea5t n\u01b0\u1edbc", "\u732b\u306f\u52d5\u7269\u3067\u3059",
    "\u4f60\u597d\uff0c\u4e16\u754c", "\uace0\uc591\uc774\ub294 \ub3d9\ubb3c",
    "\u0627\u0644\u0642\u0637\u0629 \u062d\u064a\u0648\u0627\u0646",
    "\u041a\u043e\u0448\u043a\u0430 \u044d\u0442\u043e \u0437\u0432\u0435\u0440\u044c",
    "\u0928\u092e\u0938\u094d\u0924\u0947", "\U0001f600 \U0001f431 cats!",
    "for (int i = 0; i < 10; i++) x[i] = 2;", "def f(x):\n    return x ** 2",
    "3.14159 * 2 = 6.28318"]


def uniform(seed, count):
    """The first numbers of SplitMix64 in [-1, 1), as src/base/random.h and the tests draw them."""
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(seed) + numpy.arange(1, count + 1, dtype=numpy.uint64) * numpy.uint64(
            0x9E3779B97F4A7C15)
        z = (z ^ z >> numpy.uint64(30)) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ z >> numpy.uint64(27)) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ z >> numpy.uint64(31)
    return (z >> numpy.uint64(11)).astype(float) * 2.0 ** -52 - 1


def made_up(plan):
    """The model of a plan: names in the order of the seeds, as add_gpt2_layer() has them."""
    seed, layers, heads, d, inner, context, rows, activation, head, by_layer = plan
    config = GPT2Config(vocab_size=rows, n_positions=context, n_embd=d, n_layer=layers,
                        n_head=heads, n_inner=inner, activation_function=activation,
                        scale_attn_by_inverse_layer_idx=bool(by_layer),
                        tie_word_embeddings=head == 0, bos_token_id=0, eos_token_id=0,
                        attn_implementation="eager")
    model = GPT2LMHeadModel(config).to(torch.float64).eval()
    drawn = [0]

    def fill(parameter, middle, size):
        values = uniform(seed * 1000 + drawn[0], parameter.numel())
        drawn[0] += 1
        values = (middle + size * values).astype(numpy.float32).astype(float)
        parameter.data = torch.from_numpy(values.reshape(tuple(parameter.shape)))

    body = model.transformer
    fill(body.wte.weight, 0, 1)
    fill(body.wpe.weight, 0, 0.5)
    narrow, wide = 2 / numpy.sqrt(d), 2 / numpy.sqrt(inner)
    for block in body.h:
        for part, size in ((block.ln_1, 0), (block.attn.c_attn, narrow),
                           (block.attn.c_proj, narrow), (block.ln_2, 0), (block.mlp.c_fc, narrow),
                           (block.mlp.c_proj, wide)):
            fill(part.weight, *((0, size) if size else (1, 0.5)))
            fill(part.bias, 0, 0.25)
    fill(body.ln_f.weight, 1, 0.5)
    fill(body.ln_f.bias, 0, 0.25)
    if head:
        fill(model.lm_head.weight, 0, 1)
    else:
        model.tie_weights()
        assert model.lm_head.weight.data_ptr() == body.wte.weight.data_ptr()
    return model


def residuals(model, ids):
    """The residual stream after the embedding and after each block, (layers + 1, T, d)."""
    kept = []
    body = model.transformer
    hooks = [body.h[0].register_forward_pre_hook(lambda _, inputs: kept.append(inputs[0]))]
    for block in body.h:
        hooks.append(block.register_forward_hook(lambda _, __, out: kept.append(
            out[0] if isinstance(out, tuple) else out)))
    logits = model(torch.tensor([ids])).logits[0]
    for hook in hooks:
        hook.remove()
    return [x[0] if x.dim() == 3 else x for x in kept], logits


def put(model, ids, text=None):
    rows = model.lm_head.weight.shape[0]
    kept, logits = residuals(model, ids)
    over_rows = torch.from_numpy(uniform(77, rows))
    over_width = torch.from_numpy(uniform(77, kept[0].shape[1]))
    print("prompt", (text or "").encode().hex() or "-", *ids)
    lens = [model.lm_head(model.transformer.ln_f(x)) for x in kept]
    assert torch.allclose(lens[-1], logits, rtol=0, atol=1e-9)
    for t, z in enumerate(logits):
        numbers = [z.max(), torch.logsumexp(z, 0), z @ over_rows,
                   *(z[i] for i in (0, 1, rows // 2, rows - 1))]
        for x, of_layer in zip(kept, lens):
            numbers += [x[t] @ over_width, torch.logsumexp(of_layer[t], 0)]
        print("at", t, *("%.10g" % number for number in numbers))


def main():
    print("# Transformers", transformers.__version__, "PyTorch", torch.__version__)
    with torch.inference_mode():
        for plan in PLANS:
            print("model", *plan)
            model = made_up(plan)
            for length in LENGTHS:
                ids = [(7919 * i + length) % plan[6] for i in range(length)]
                put(model, ids)
        print("demo")
        model = GPT2LMHeadModel.from_pretrained(sys.argv[1], dtype=torch.float64,
                                                attn_implementation="eager").eval()
        tokenizer = GPT2Tokenizer.from_pretrained(sys.argv[1])
        for text in PROMPTS:
            put(model, tokenizer.encode(text, add_special_tokens=False), text)


if __name__ == "__main__":
    main()
