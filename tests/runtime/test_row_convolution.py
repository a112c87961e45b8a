"""Convolutions over rows say what torch's own say, forwards and backwards."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch")

from model_runtime.model.generator import RowConvolution  # noqa: E402

SHAPES: dict[str, dict[str, Any]] = {
    "one tap": {"kernel_size": 1},
    "one tap without bias": {"kernel_size": 1, "bias": False},
    "an encoder block's": {"kernel_size": 3, "padding": 8, "dilation": 8},
    "the wide stem's": {"kernel_size": 5, "padding": 2},
    "the stem's that halves the rate": {"kernel_size": 4, "padding": 1, "stride": 2},
    "a head's": {"kernel_size": 3, "padding": 1, "padding_mode": "replicate"},
}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())
@pytest.mark.parametrize("rows", [2, 6, 40])
def test_a_row_convolution_equals_conv1d_with_the_same_parameters(
    shape: dict[str, Any], rows: int
) -> None:
    torch.manual_seed(1)
    ours, theirs = RowConvolution(7, 5, **shape), torch.nn.Conv1d(7, 5, **shape)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, rows, 7)
    said, expected = ours(x), theirs(x.transpose(1, 2)).transpose(1, 2)
    torch.testing.assert_close(said, expected)
    said.square().sum().backward()
    expected.square().sum().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad)
