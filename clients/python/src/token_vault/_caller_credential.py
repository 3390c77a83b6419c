"""The metadata that authenticates a call."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ._token_vault_error import unreadable_file
from ._vault_options import FilePath, TokenVaultOptions

Metadata = tuple[tuple[str, str], ...]


def create_read_metadata(options: TokenVaultOptions) -> Callable[[], Metadata]:
    """The file is read for each call, because there are few calls, and a projected token is replaced at any time."""
    files = {"api_key_file": options.api_key_file, "token_file": options.token_file}
    certificate = options.tls.certificate_file if options.tls else None
    named = [file for file in (*files.values(), certificate) if file is not None]
    if len(named) > 1:
        raise ValueError(
            "More than one credential is set. Set one of api_key_file, token_file and tls.certificate_file."
        )

    def read_metadata() -> Metadata:
        return tuple(
            ("authorization", f"Bearer {_read_credential(field, file)}")
            for field, file in files.items()
            if file is not None
        )

    return read_metadata


def _read_credential(field: str, file: FilePath) -> str:
    try:
        text = Path(file).read_text("utf-8", errors="replace").strip()
    except OSError as error:
        raise unreadable_file(f"{field}: {file} cannot be read. Check that it exists, and its permissions.") from error
    # Anything else would make the header invalid, and grpc quotes the header in its error.
    if re.fullmatch(r"[\x21-\x7e]+", text) is None:
        raise unreadable_file(f"{field}: {file} must contain the credential and nothing else.")
    return text
