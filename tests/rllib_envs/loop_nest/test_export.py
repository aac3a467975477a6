"""Kernels in the hands of other programs: C compiled by the system's compiler, and Python through ctypes."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from rllib_envs.errors import UserError
from rllib_envs.loop_nest.backend import Loop
from rllib_envs.loop_nest.export import export_kernel
from rllib_envs.loop_nest.kinds import make_statement

MATMUL = make_statement("mm", {"m": 13, "n": 37, "k": 11})
LOOPS = (Loop("n", 16), Loop("m", 4), Loop("k", 1), Loop("m", 1), Loop("n", 1))

# Each tensor ends where a page begins that can't be read or written, so one byte too far is a crash.
MAIN = """
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <sys/mman.h>
#include "kernel.h"

static float *before_a_wall(long floats) {
    long bytes = 4 * floats, pages = (bytes + 4095) / 4096 * 4096;
    char *memory = mmap(0, pages + 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(memory + pages, 4096, PROT_NONE);
    return (float *)(memory + pages - bytes);
}

int main(void) {
    enum { M = 13, N = 37, K = 11 };
    float *C = before_a_wall(M * N), *A = before_a_wall(M * K), *B = before_a_wall(K * N), worst = 0;
    for (int i = 0; i < M * K; i++) A[i] = (i * 7 % 11 - 5) / 4.0f;
    for (int i = 0; i < K * N; i++) B[i] = (i * 5 % 13 - 6) / 4.0f;
    kernel(C, A, B);
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            float sum = 0;
            for (int k = 0; k < K; k++) sum += A[m * K + k] * B[k * N + n];
            worst = fmaxf(worst, fabsf(sum - C[m * N + n]));
        }
    printf("%g", worst);
    return !(worst < 1e-4f);
}
"""


@pytest.mark.parametrize("form", [".o", ".s", ".so"])
def test_a_c_program_calls_the_kernel(tmp_path, form):
    kernel, header, *_ = export_kernel(tmp_path / f"kernel{form}", MATMUL, LOOPS)
    assert header.name == "kernel.h"
    (tmp_path / "main.c").write_text(MAIN)
    program = tmp_path / "main"
    command = ["cc", "-o", program, tmp_path / "main.c", kernel, "-lm", f"-Wl,-rpath,{tmp_path}", "-Werror", "-Wall"]
    subprocess.run(command, check=True, capture_output=True, text=True)
    run = subprocess.run([program], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_the_python_loader_runs_it(tmp_path):
    export_kernel(tmp_path / "mm.so", MATMUL, LOOPS, name="mm13")
    code = (
        "import numpy as np, load_mm\n"
        "A, B = np.ones((13, 11), np.float32), np.ones((11, 37), np.float32)\n"
        "C = np.empty((13, 37), np.float32)\n"
        "load_mm.mm13(C, A, B)\n"
        "assert (C == 11).all()\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    run = subprocess.run([sys.executable, tmp_path / "load_mm.py"], capture_output=True, text=True, check=True)
    a, b = (np.random.default_rng(s).standard_normal(n, dtype=np.float32) for s, n in ((0, 13 * 11), (1, 11 * 37)))
    first = (a.reshape(13, 11) @ b.reshape(11, 37)).ravel()[0]
    assert float(run.stdout.strip("[ ").split()[0]) == pytest.approx(first, rel=1e-4)


def test_the_epilogues_tensors_come_last(tmp_path):
    statement = make_statement("mm_bias_relu", {"m": 13, "n": 37, "k": 11})
    _, header, _ = export_kernel(tmp_path / "mm.so", statement, LOOPS)
    assert "void kernel(float *C, const float *A, const float *B, const float *D);" in header.read_text()
    code = (
        "import numpy as np, load_mm\n"
        "A, B = np.ones((13, 11), np.float32), np.ones((11, 37), np.float32)\n"
        "D, C = np.arange(-30, 7).astype(np.float32), np.empty((13, 37), np.float32)\n"
        "load_mm.kernel(C, A, B, D)\n"
        "assert (C == np.maximum(11 + D, 0)).all()\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)


def test_the_ir_is_llvms(tmp_path):
    (path,) = export_kernel(tmp_path / "kernel.ll", MATMUL, LOOPS, name="mm13")
    from llvmlite import binding

    binding.parse_assembly(path.read_text()).verify()
    assert "define void @mm13(" in path.read_text()


@pytest.mark.parametrize(
    ("file", "name", "message"), [("kernel.dll", "kernel", ".so, .o, .s, .ll"), ("kernel.o", "2fast", "no name of a C")]
)
def test_what_can_not_be_written_is_refused(tmp_path, file, name, message):
    with pytest.raises(UserError, match=message):
        export_kernel(tmp_path / file, MATMUL, LOOPS, name)
    assert not list(tmp_path.iterdir())


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "kernel.h").write_text("mine")
    with pytest.raises(UserError, match=r"kernel\.h exists already"):
        export_kernel(tmp_path / "kernel.o", MATMUL, LOOPS)
    assert [path.name for path in tmp_path.iterdir()] == ["kernel.h"]
