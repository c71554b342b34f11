"""Empty libraries in place of the GPU libraries of torch's Linux wheel, which CPU work never calls.

PyPI's torch for Linux is linked against CUDA libraries of about 2.7 GB. The dynamic linker wants them to exist, but binds
their functions at the first call only, so a file with the right name and no functions is enough on a machine that computes
on the CPU. Only the small CUDA runtime has to be real, because static constructors call it. Nothing of torch is changed.

Usage, in the virtual environment: python stubs.py            writes them into its site-packages/nvidia/cu13/lib
                                   python stubs.py --remove   takes them away
"""

import platform
import struct
import sys
import sysconfig
from pathlib import Path

# Library name -> data symbols that torch binds when it is loaded. The one symbol belongs to libnvshmem_host, but the linker
# takes a symbol without a version from any library except the one that should have had the version.
LIBRARIES = {
    "libcublas.so.13": ["nvshmem_selected_device_transport"],
    "libcublasLt.so.13": [],
    "libcudnn.so.9": [],
    "libcufft.so.12": [],
    "libcusolver.so.12": [],
    "libcusparse.so.12": [],
    "libcusparseLt.so.0": [],
    "libnccl.so.2": [],
    "libnvrtc.so.13": [],
    "libnvshmem_host.so.3": [],
}

MACHINES = {"x86_64": 62, "aarch64": 183}
PAGE = 0x10000


def shared_object(name: str, symbols: list[str], machine: int) -> bytes:
    """A little-endian ELF64 shared object called `name` whose only content is eight zero bytes a symbol."""
    strings = b"\0"
    offsets = []
    for text in [name, *symbols]:
        offsets.append(len(strings))
        strings += text.encode() + b"\0"
    strings += b"\0" * (-len(strings) % 8)

    count = len(symbols) + 1
    headers = 64 + 2 * 56
    at_symbols = headers
    at_hash = at_symbols + 24 * count
    at_strings = at_hash + 4 * (3 + count) + (-4 * (3 + count)) % 8
    at_data = at_strings + len(strings)
    at_dynamic = at_data + 8 * len(symbols)

    table = bytes(24)
    for i, offset in enumerate(offsets[1:]):
        # st_name, STB_GLOBAL | STT_OBJECT, default visibility, any section that is not undefined, value, size
        table += struct.pack("<IBBHQQ", offset, 0x11, 0, 1, at_data + 8 * i, 8)
    # One bucket; the chain runs through all symbols.
    chain = [0, *range(2, count), 0] if symbols else [0]
    buckets = struct.pack(f"<III{count}I", 1, count, 1 if symbols else 0, *chain)
    buckets += b"\0" * (-len(buckets) % 8)
    entries = [(14, offsets[0]), (4, at_hash), (5, at_strings), (6, at_symbols), (10, len(strings)), (11, 24), (0, 0)]
    dynamic = b"".join(struct.pack("<QQ", *entry) for entry in entries)
    size = at_dynamic + len(dynamic)

    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01" + bytes(9), 3, machine, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0,
    )  # fmt: skip
    load = struct.pack("<IIQQQQQQ", 1, 6, 0, 0, 0, size, size, PAGE)
    where = struct.pack("<IIQQQQQQ", 2, 6, at_dynamic, at_dynamic, at_dynamic, len(dynamic), len(dynamic), 8)
    return header + load + where + table + buckets + strings + bytes(8 * len(symbols)) + dynamic


def main() -> None:
    folder = Path(sysconfig.get_paths()["platlib"]) / "nvidia" / "cu13" / "lib"
    # Python asks the linker to bind all functions at once; a .pth file is run by every interpreter of the environment.
    lazy = folder.parents[2] / "lazy_binding.pth"
    if "--remove" in sys.argv:
        for path in [lazy, *(folder / name for name in LIBRARIES)]:
            path.unlink(missing_ok=True)
        return
    folder.mkdir(parents=True, exist_ok=True)
    machine = MACHINES[platform.machine()]
    for name, symbols in LIBRARIES.items():
        target = folder / name
        if not target.exists():
            target.write_bytes(shared_object(name, symbols, machine))
    lazy.write_text("import os, sys; sys.setdlopenflags(os.RTLD_LAZY)\n")


if __name__ == "__main__":
    main()
