"""The Python clients: their packages, environment, smoke program and test files. SPDX-License-Identifier: Apache-2.0"""
import dataclasses


@dataclasses.dataclass
class Client:
    requirements: list  # pinned, from PyPI
    environment: dict = dataclasses.field(default_factory=dict)
    tests: list = dataclasses.field(default_factory=list)  # files or folders below the suite's root
    package: str = ""  # the suite is inside this installed package ...
    module: str = ""  # ... which is imported by this name
    repository: str = ""  # ... or in this repository at this tag or commit
    revision: str = ""
    runtimes: list = dataclasses.field(default_factory=list)  # more packages with a libcudart_static.a: libraries hold these releases without names
    helpers: list = dataclasses.field(default_factory=list)  # folders of the repository from which its tests import
    import_sources: bool = False  # the repository's own sources are tested, not an installed package
    leave_out: dict = dataclasses.field(default_factory=dict)  # test file: reason
    deselect: dict = dataclasses.field(default_factory=dict)  # test or class, as pytest names it: reason
    scripts: list = dataclasses.field(default_factory=list)  # each is one test more, run by run_script.py
    plugins: list = dataclasses.field(default_factory=list)  # of pytest, beside report_plugin
    arguments: list = dataclasses.field(default_factory=list)  # of pytest
    alternative: dict = dataclasses.field(default_factory=dict)  # variables with which its tests run without any device, for compare.py
    alternative_arguments: list = dataclasses.field(default_factory=list)  # of pytest then
    compared: list = dataclasses.field(default_factory=list)  # parts of names of the test files that compare.py takes
    refusal: str = ""  # text the smoke program must print where a client cannot run, as docs/compatibility.md says


NVRTC = "nvidia-cuda-nvrtc==13.0.88"

TINYGRAD = dict(
    requirements=["numpy==2.4.6", "torch==2.9.1", "hypothesis==6.170.15", "z3-solver==4.15.3.0", "tqdm==4.70.1", NVRTC],
    repository="https://github.com/tinygrad/tinygrad",
    revision="a9069c177a",
    import_sources=True,
    tests=["test/test_tiny.py", "test/backend"],
    deselect={"test/backend/test_uops.py::TestBitcastBufferView": "eight bytes at an address that is aligned to four: a GPU ends the context too"},
    leave_out={"test/backend/test_multitensor.py": "left out of the project's own CI on its emulator too: slow"},
)

CLIENTS = {
    "tinygrad": Client(environment={"DEV": "CUDA", "FORWARD_ONLY": "1"}, **TINYGRAD),
    "tinygrad-ptx": Client(environment={"DEV": "CUDA:PTX", "FORWARD_ONLY": "1"}, alternative={"DEV": "PYTHON", "SKIP_SLOW_TEST": "1"},
                           compared=["test_tiny", "backend/test_ops.py", "backend/test_uops"], **TINYGRAD),
    "numba": Client(
        requirements=["numba-cuda[cu13]==0.30.4", "numba==0.68.1", "cuda-toolkit==13.5.0", "numpy==2.4.6", "cffi==2.1.1",
                      "filecheck==1.0.6", "ml_dtypes==0.6.0", "psutil==7.2.2"],
        package="numba_cuda/numba/cuda/tests",
        module="numba.cuda.tests",
        tests=["cudadrv", "cudapy", "nocuda", "nrt", "core", "doc_examples"],
        alternative={"NUMBA_ENABLE_CUDASIM": "1"},
        compared=["cudapy/test_array_args", "cudapy/test_array.py", "cudapy/test_blackscholes", "cudapy/test_fastmath", "cudapy/test_forall", "cudapy/test_gufunc.",
                  "cudapy/test_laplace", "cudapy/test_matmul", "cudapy/test_montecarlo", "cudapy/test_nondet", "cudapy/test_operator",
                  "cudapy/test_powi", "cudapy/test_record_dtype", "cudapy/test_sm.", "cudapy/test_sync"],
    ),
    "cupy": Client(
        requirements=["cupy-cuda13x==14.2.0", "cuda-toolkit[cudart,nvrtc,nvcc,cccl]==13.5.0", "numpy==2.4.6", "hypothesis==6.170.15"],
        environment={"ANYWARP_DEVICES": "2"},  # some tests want several
        repository="https://github.com/cupy/cupy",
        revision="v14.2.0",
        tests=["tests/cupy_tests/core_tests", "tests/cupy_tests/creation_tests", "tests/cupy_tests/indexing_tests",
               "tests/cupy_tests/logic_tests", "tests/cupy_tests/manipulation_tests", "tests/cupy_tests/math_tests",
               "tests/cupyx_tests/jit_tests"],
    ),
    "triton": Client(
        requirements=["torch==2.9.1", "triton==3.5.1", "numpy==2.4.6", "scipy==1.17.1", "pytest-xdist==3.8.0", "llnl-hatchet==2026.2.0", "tabulate==0.10.0"],
        repository="https://github.com/triton-lang/triton",
        revision="v3.5.1",
        tests=["python/test/unit/language", "python/test/unit/runtime"],
        scripts=[f"python/tutorials/{name}.py" for name in ("01-vector-add", "02-fused-softmax", "03-matrix-multiplication", "04-low-memory-dropout",
                                                            "05-layer-norm", "07-extern-functions", "08-grouped-gemm")],
        plugins=["host_operators"],  # PyTorch's wheel has machine code only
        environment={"ANYWARP_CLIENTS_HOST_OPERATORS": "1"},  # in the scripts that tests start
        alternative={"TRITON_INTERPRET": "1"},
        alternative_arguments=["--device", "cpu"],
        compared=["language/test_core", "language/test_standard", "language/test_random"],
    ),
    "nvml": Client(requirements=["nvidia-ml-py==13.580.82"]),
    "warp": Client(
        # The runtime that is linked into the wheel, without names; its archive tells where they are.
        requirements=["warp-lang==1.19.0", "numpy==2.4.6", "nvidia-cuda-runtime==13.4.92"],
        environment={"ANYWARP_DRIVER_VERSION": "13.4"},  # a driver as new as its NVRTC is given PTX
        package="warp/tests",
        module="warp.tests",
        tests=["."],
        # Functions outside of classes are made into tests by the classes; tests look at what the process prints, so pytest prints nothing.
        arguments=["-k", "not _cpu", "-o", "python_functions=none", "--capture=no", "-p", "no:terminal"],
    ),
    "taichi": Client(
        requirements=["taichi==1.7.4", "numpy==2.4.6", "pytest-rerunfailures==16.7"],
        repository="https://github.com/taichi-dev/taichi",
        revision="v1.7.4",
        environment={"TI_WANTED_ARCHS": "cuda", "TI_OFFLINE_CACHE": "0"},
        tests=["tests/python"],
    ),
    "jax": Client(
        requirements=["jax[cuda13]==0.10.2", "numpy==2.4.6"],
        environment={"JAX_PLATFORMS": "cuda", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
    ),
    "cuda": Client(  # cuda.core and cuda.bindings
        requirements=["cuda-core==1.1.0", "cuda-bindings==13.3.1", "nvidia-cuda-runtime==13.3.29", "nvidia-cuda-nvrtc==13.0.88", "nvidia-nvjitlink==13.0.88",
                      "nvidia-nvvm==13.0.88", "nvidia-cuda-cccl==13.0.85", "numpy==2.4.6", "pytest-benchmark==5.3.1", "pytest-timeout==2.4.0"],
        repository="https://github.com/NVIDIA/cuda-python",
        revision="792ab3c9",
        helpers=["cuda_python_test_helpers"],
        tests=["cuda_core/tests"],
        leave_out={"cuda_core/tests/test_utils.py": "lists of tests that pytest refuses",
                   "cuda_core/tests/cython/test_cython.py": "builds with a compiler what is not in the package"},
    ),
    "halide": Client(requirements=["halide==21.0.0", "numpy==2.4.6"]),
    "xgboost": Client(requirements=["xgboost==3.2.0", "numpy==2.4.6"]),
    "catboost": Client(requirements=["catboost==1.2.10", "numpy==2.4.6"]),
    "tilelang": Client(requirements=["tilelang==0.1.15", "torch==2.9.1", "numpy==2.4.6"]),
    "pycuda": Client(  # built from its sources with nvcc of the system
        requirements=["pycuda==2026.1", "numpy==2.4.6", "mako==1.4.3"],
        repository="https://github.com/inducer/pycuda",
        revision="v2026.1",
        tests=["test"],
        deselect={"test/test_gpuarray.py::TestGPUArray::test_curand_wrappers_8gb": "eight gigabytes"},
    ),
    "cccl": Client(  # cuda.compute
        requirements=["cuda-cccl[cu13]==1.2.1", "cuda-bindings==13.5.0", "cuda-core==1.2.2", "nvidia-cuda-runtime==13.5.37", "cupy-cuda13x==14.2.0", "numpy==2.4.6"],
        runtimes=["nvidia-cuda-runtime==13.1.80"],
        repository="https://github.com/NVIDIA/cccl",
        revision="571f2fc3bc",
        helpers=["python/cuda_cccl/tests"],
        tests=["python/cuda_cccl/tests/compute"],
        leave_out={"python/cuda_cccl/tests/compute/test_void_ptr_wrapper_validation.py": "wants Numba"},
    ),
    "tvm": Client(requirements=["apache-tvm==0.27.0.post1", "cuda-bindings==13.3.1", "nvidia-cuda-nvrtc==13.0.88", "numpy==2.4.6"]),
    "drjit": Client(
        requirements=["drjit==1.5.0", "numpy==2.4.6"],
        repository="https://github.com/mitsuba-renderer/drjit",
        revision="v1.5.0",
        environment={"ANYWARP_PAGE": "2M"},  # it reads arrays that were never written past their end
        tests=["tests"],
        arguments=["-k", "cuda and not optix"],
    ),
    "openmm": Client(requirements=["openmm[cuda12]==8.6.1", "numpy==2.4.6"]),
    "slangpy": Client(requirements=["slangpy==0.43.1", "numpy==2.4.6"]),
}
