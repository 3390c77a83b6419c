"""Generates src/token_vault/_gen from proto/, reduced to what the client calls.

python generate.py [OUTPUT]: needs `buf` on the PATH, and grpcio-tools as pinned in test/requirements_lowest.txt. Newer
generators write code that refuses older versions of protobuf.

The messages get a package of their own. The descriptor pool of a process would refuse a second
`tokenvault/v1/token_service.proto` with other content, such as that of stubs that a program has generated itself.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc

CHECKOUT = Path(__file__).resolve().parents[2]
OUTPUT = Path(__file__).resolve().parent / "src"
METHODS = [
    "TokenService.GetAccessToken",
    "TokenService.WatchAccessToken",
    "ConnectionService.StartAuthorization",
    "ConnectionService.ConfirmAuthorization",
    "ConnectionService.GetConnection",
]
FOLDER = ("tokenvault/v1/", "token_vault/_gen/")
PACKAGE = ("tokenvault.v1", "token_vault_client.v1")


def main(output: Path) -> None:
    types = [argument for method in METHODS for argument in ("--type", f"tokenvault.v1.{method}")]
    image = subprocess.run(
        ["buf", "build", *types, "--as-file-descriptor-set", "--exclude-source-info", "-o", "-"],
        cwd=CHECKOUT,
        check=True,
        capture_output=True,
    ).stdout
    kept = [reduce(file) for file in FileDescriptorSet.FromString(image).file if is_kept(file.name)]
    names = [file.name for file in kept if file.name.startswith(FOLDER[1])]
    with tempfile.NamedTemporaryFile() as reduced:
        reduced.write(FileDescriptorSet(file=kept).SerializeToString())
        reduced.flush()
        options = [f"--descriptor_set_in={reduced.name}", f"--python_out={output}", f"--pyi_out={output}"]
        if protoc.main(["protoc", *options, *names]) != 0:
            raise SystemExit("protoc failed.")
    (output / FOLDER[1] / "__init__.py").touch()


def is_kept(name: str) -> bool:
    """Without the files that only define options."""
    return not name.startswith("google/api/") and name != "tokenvault/v1/sensitive.proto"


def reduce(file: FileDescriptorProto) -> FileDescriptorProto:
    """Without options and services, and in the package of the client."""
    if not file.name.startswith(FOLDER[0]):
        return file
    file.name = file.name.replace(*FOLDER)
    file.package = PACKAGE[1]
    dependencies = [name.replace(*FOLDER) for name in file.dependency if is_kept(name)]
    del file.dependency[:], file.service[:]
    file.dependency.extend(dependencies)
    clear_options(file)
    return file


def clear_options(descriptor: Any) -> None:
    for field, value in descriptor.ListFields():
        if field.name == "options":
            # The entry of a map is marked by an option.
            is_map_entry = getattr(value, "map_entry", False)
            descriptor.ClearField("options")
            if is_map_entry:
                descriptor.options.map_entry = True
        elif field.name in ("type_name", "extendee"):
            setattr(descriptor, field.name, value.replace(f".{PACKAGE[0]}.", f".{PACKAGE[1]}."))
        elif field.message_type is not None:
            for each in value if field.label == field.LABEL_REPEATED else [value]:
                clear_options(each)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT)
