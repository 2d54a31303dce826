"""GPT-2 in PyTorch, as small as it goes, with the tensor names of openai-community/gpt2.

The names of the parameters are those of the published file (`h.0.attn.c_attn.weight`), and
weights of linear layers lie (in, out), so `state_dict()` is already what is to be exported.
"""
import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Config:
    vocab_size: int
    n_positions: int = 128
    n_embd: int = 128
    n_layer: int = 4
    n_head: int = 4
    layer_norm_epsilon: float = 1e-5

    def as_hugging_face(self):
        """The content of config.json."""
        end_of_text = self.vocab_size - 1
        return {
            "model_type": "gpt2",
            "architectures": ["GPT2LMHeadModel"],
            "vocab_size": self.vocab_size,
            "n_positions": self.n_positions,
            "n_ctx": self.n_positions,
            "n_embd": self.n_embd,
            "n_layer": self.n_layer,
            "n_head": self.n_head,
            "n_inner": None,
            "activation_function": "gelu_new",
            "layer_norm_epsilon": self.layer_norm_epsilon,
            "initializer_range": 0.02,
            "tie_word_embeddings": True,
            "bos_token_id": end_of_text,
            "eos_token_id": end_of_text,
            "attn_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "resid_pdrop": 0.0,
            "torch_dtype": "float16",
        }


class Conv1D(nn.Module):
    """A linear layer whose weight lies (in, out), as in GPT-2's file."""

    def __init__(self, n_in, n_out, std):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_in, n_out).normal_(std=std))
        self.bias = nn.Parameter(torch.zeros(n_out))

    def forward(self, x):
        return F.linear(x, self.weight.t(), self.bias)


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, config):
        super().__init__()
        width = config.n_embd
        self.n_head = config.n_head
        self.c_attn = Conv1D(width, 3 * width, 0.02)
        self.c_proj = Conv1D(width, width, 0.02 / math.sqrt(2 * config.n_layer))

    def forward(self, x):
        batch, length, width = x.shape
        heads = self.c_attn(x).view(batch, length, 3, self.n_head, width // self.n_head)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(-2, -1) / math.sqrt(width // self.n_head)
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(future, -math.inf).softmax(-1)
        mixed = (weights @ value).transpose(1, 2).reshape(batch, length, width)
        return self.c_proj(mixed)


class MLP(nn.Module):
    def __init__(self, config):
        super().__init__()
        width = config.n_embd
        self.c_fc = Conv1D(width, 4 * width, 0.02)
        self.c_proj = Conv1D(4 * width, width, 0.02 / math.sqrt(2 * config.n_layer))

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, config.layer_norm_epsilon)
        self.attn = Attention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, config.layer_norm_epsilon)
        self.mlp = MLP(config)

    def forward(self, x):
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class GPT2(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.wte = nn.Embedding(config.vocab_size, config.n_embd)
        self.wpe = nn.Embedding(config.n_positions, config.n_embd)
        self.h = nn.ModuleList(Block(config) for _ in range(config.n_layer))
        self.ln_f = nn.LayerNorm(config.n_embd, config.layer_norm_epsilon)
        nn.init.normal_(self.wte.weight, std=0.02)
        nn.init.normal_(self.wpe.weight, std=0.01)

    def forward(self, ids):
        """(batch, length) token ids -> (batch, length, width) after the last layer norm."""
        x = self.wte(ids) + self.wpe.weight[: ids.shape[1]]
        for block in self.h:
            x = block(x)
        return self.ln_f(x)

    def logits(self, ids):
        """The output matrix is the token embedding itself."""
        return self(ids) @ self.wte.weight.t()


class TiedLoss(torch.autograd.Function):
    """Mean cross-entropy of `hidden @ table.T` against `targets`, a few rows at a time.

    The logits of a whole batch would be 117 MB that leave the cache several times; in slices
    the error of each row is made while its logits are still there. The products run in
    bfloat16, twice as fast; exponentials and sums stay in float32.
    """

    ROWS = 128

    @staticmethod
    def forward(context, hidden, table, targets):
        h, w = hidden.bfloat16(), table.bfloat16()
        errors = torch.empty(len(h), len(w), dtype=torch.bfloat16)
        hidden_gradient = torch.empty_like(hidden)
        loss = 0.0
        for start in range(0, len(h), TiedLoss.ROWS):
            rows = slice(start, start + TiedLoss.ROWS)
            target = targets[rows, None]
            error = (h[rows] @ w.t()).float().softmax(-1)
            loss -= error.gather(1, target).clamp_min(1e-30).log().sum()
            error.scatter_add_(1, target, torch.full(target.shape, -1.0))
            errors[rows] = error
            hidden_gradient[rows] = (errors[rows] @ w).float()
        table_gradient = (errors.t() @ h).float()
        context.save_for_backward(hidden_gradient / len(h), table_gradient / len(h))
        return loss / len(h)

    @staticmethod
    def backward(context, upstream):
        hidden_gradient, table_gradient = context.saved_tensors
        return upstream * hidden_gradient, upstream * table_gradient, None
