"""Makes a virtual environment with pinned packages, unless it exists: prepare_environment.py FOLDER REQUIREMENTS.

Test files that need the same one run at the same time: the first installs it, the others wait.
"""

import fcntl
import subprocess
import sys
import venv
from pathlib import Path

folder, requirements = Path(sys.argv[1]), Path(sys.argv[2])
folder.parent.mkdir(parents=True, exist_ok=True)
with folder.with_suffix(".lock").open("w") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    ready = folder / "ready"
    if not ready.exists():
        venv.create(folder, clear=True, with_pip=True)
        pip = [folder / "bin/python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, "--only-binary", ":all:", "--no-deps", "-r", requirements], check=True)
        ready.touch()
