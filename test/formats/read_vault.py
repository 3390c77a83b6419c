"""Opens sealed values of a SQLite database and verifies audit files: written from docs/formats.md alone.

    read_vault.py refresh-token DATABASE ROOT_KEY_FILE TENANT CONNECTION
    read_vault.py client-secret DATABASE ROOT_KEY_FILE TENANT APP
    read_vault.py verify-audit DATABASE ROOT_KEY_FILE FILE...
"""

import hashlib
import hmac
import json
import re
import sqlite3
import struct
import sys

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VAULT = "vault"
SALT, COMMIT, TAG, BLOCK = 32, 32, 16, 512


class Refused(Exception):
    pass


def lp(text):
    data = text.encode()
    return struct.pack(">I", len(data)) + data


def root_key_id(key):
    return hashlib.sha256(b"tokenvault/kek-id" + key).digest()[:16]


def open_envelope(key, info, header, place, sealed):
    if not sealed.startswith(header):
        raise Refused("magic, format, or key id")
    salt = sealed[len(header) : len(header) + SALT]
    commit = sealed[len(header) + SALT : len(header) + SALT + COMMIT]
    body = sealed[len(header) + SALT + COMMIT :]
    derived = HKDF(hashes.SHA512(), 64, salt, info.encode()).derive(key)
    if not hmac.compare_digest(derived[32:], commit):
        raise Refused("commitment")
    data = header + b"".join(lp(part) for part in place) + salt + commit
    padded = AESGCM(derived[:32]).decrypt(bytes(12), body, data)
    (length,) = struct.unpack(">I", padded[:4])
    blocks = -(-(4 + length) // BLOCK)
    if len(padded) != blocks * BLOCK or any(padded[4 + length :]):
        raise Refused("padding")
    return padded[4 : 4 + length]


def encode(value):
    if value is None:
        return b"\x00"
    if isinstance(value, str):
        return b"\x01" + lp(value)
    return b"\x02" + struct.pack(">I", len(value)) + b"".join(encode(one) for one in value)


class Vault:
    def __init__(self, database, root_key_file):
        with open(root_key_file, "rb") as file:
            self.root_key = file.read()
        if len(self.root_key) != 32:
            raise Refused("a root key has 32 bytes")
        self.db = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
        self.db.row_factory = sqlite3.Row
        self.deployment = self.meta("deployment_id").decode()

    def meta(self, key):
        return self.row("SELECT value FROM meta WHERE key = ?", key)["value"]

    def row(self, sql, *values):
        found = self.db.execute(sql, values).fetchone()
        if found is None:
            raise Refused(f"no row: {sql} {values}")
        return found

    def tenant_id(self, tenant_uid):
        if tenant_uid == VAULT:
            return VAULT
        return self.row("SELECT tenant_id FROM tenants WHERE uid = ?", tenant_uid)["tenant_id"]

    def newest(self, tenant_uid):
        (version,) = self.row("SELECT max(version) FROM deks WHERE tenant_uid = ?", tenant_uid)
        return version

    def keys(self, tenant_uid, version):
        """The DEK, the index key and the floor."""
        sql = "SELECT wrapped FROM deks WHERE tenant_uid = ? AND version = ?"
        wrapped = self.row(sql, tenant_uid, version)["wrapped"]
        header = b"\x4b\x01" + root_key_id(self.root_key)
        place = ["tokenvault/dek", self.deployment, tenant_uid, self.tenant_id(tenant_uid), str(version)]
        both = open_envelope(self.root_key, "tokenvault/v1/dek", header, place, wrapped)
        if len(both) not in (64, 68):
            raise Refused("a wrapped DEK has 64 or 68 bytes")
        (floor,) = struct.unpack(">I", both[64:]) if len(both) == 68 else (1,)
        return both[:32], both[32:64], floor

    def open(self, tenant_uid, record_type, record_uid, column, names, sealed):
        version = sealed[2:6]
        (number,) = struct.unpack(">I", version)
        _, _, floor = self.keys(tenant_uid, self.newest(tenant_uid))
        if number < floor:
            raise Refused("a version below the floor")
        key, _, _ = self.keys(tenant_uid, number)
        place = ["tokenvault/record", self.deployment, tenant_uid, self.tenant_id(tenant_uid)]
        place += [record_type, record_uid, column, *names]
        return open_envelope(key, "tokenvault/v1/record", b"\x54\x01" + version, place, sealed)

    def check_mac(self, row, record_type, values):
        tenant_uid = row["tenant_uid"]
        _, index_key, _ = self.keys(tenant_uid, self.newest(tenant_uid))
        key = HKDF(hashes.SHA256(), 32, None, b"tokenvault/v1/mac").derive(index_key)
        head = ["tokenvault/mac", self.deployment, tenant_uid, self.tenant_id(tenant_uid), record_type, row["uid"]]
        message = b"\x4d\x01" + b"".join(encode(value) for value in [*head, *values])
        expected = b"\x4d\x01" + hmac.digest(key, message, "sha256")
        if row["mac"] is None or not hmac.compare_digest(row["mac"], expected):
            raise Refused("MAC")

    def refresh_token(self, tenant_id, connection_id):
        sql = "SELECT c.* FROM connections c JOIN tenants t ON t.uid = c.tenant_uid"
        row = self.row(f"{sql} WHERE t.tenant_id = ? AND c.connection_id = ?", tenant_id, connection_id)
        columns = "connection_id app_uid app_tenant_id app_id external_id directory_id object_id".split()
        self.check_mac(row, "connection", [row[column] for column in columns])
        names = [row["connection_id"]]
        sealed = row["refresh_token"]
        return self.open(row["tenant_uid"], "connection", row["uid"], "refresh_token", names, sealed).decode()

    def client_secret(self, tenant_id, app_id):
        sql = "SELECT a.* FROM apps a JOIN tenants t ON t.uid = a.tenant_uid WHERE t.tenant_id = ? AND a.app_id = ?"
        app = self.row(sql, tenant_id, app_id)
        texts = "app_id client_id cloud sign_in_audience home_directory_id".split()
        lists = "redirect_uris return_url_prefixes shared_with".split()
        self.check_mac(app, "app", [app[name] for name in texts] + [json.loads(app[name]) for name in lists])
        row = self.row("SELECT * FROM credentials WHERE app_uid = ? AND kind = 'CLIENT_SECRET'", app["uid"])
        names = [app["client_id"], app["cloud"]]
        return json.loads(self.open(row["tenant_uid"], "credential", row["uid"], "material", names, row["material"]))[
            "clientSecret"
        ]

    def audit_key(self):
        return self.open(VAULT, "meta", "audit_key", "value", [], self.meta("audit_key"))

    def checkpoints(self):
        rows = self.db.execute("SELECT stream_id, checkpoint FROM audit_streams").fetchall()
        return {
            stream: json.loads(self.open(VAULT, "audit_stream", stream, "checkpoint", [], sealed))
            for stream, sealed in rows
        }


SEAL = re.compile(rb'\{"seal":(0|[1-9]\d{0,15}),"chain":"([0-9a-f]{64})"\}\n')
BEGINNING = re.compile(rb'\{"(open|gap)":\d')
ENTRY = re.compile(rb'\{"n":(0|[1-9]\d{0,15}),')


def beginning_of(line):
    if not BEGINNING.match(line):
        return None
    try:
        return json.loads(line)
    except ValueError:
        return None


def first_of(path):
    with open(path, "rb") as file:
        return next((one for one in map(beginning_of, file) if one is not None), None)


class Stream:
    """Verifies the files of one stream."""

    def __init__(self, stream, key):
        self.stream, self.key = stream, key
        self.point = (0, "0" * 64)
        self.seals = [self.point]
        self.faults = []
        self.faults_before = [0]

    def chain(self, previous, lines):
        return hmac.digest(self.key, self.stream.encode() + bytes.fromhex(previous) + b"".join(lines), "sha256").hex()

    def read(self, paths):
        left = [(first_of(path), path) for path in paths]
        left.sort(key=lambda one: one[0].get("open", one[0].get("gap")))
        group = []
        while left:
            following = [one for one in left if (one[0].get("open"), one[0]["previous"]) == self.point]
            _, path = chosen = (following or left)[0]
            left.remove(chosen)
            with open(path, "rb") as file:
                for number, line in enumerate(file, 1):
                    group = self.line(group, line, f"{path}:{number}")
        if group:
            self.faults.append(f"{paths[-1]}: the end has no seal")

    def line(self, group, line, place):
        seal = SEAL.fullmatch(line)
        if seal:
            self.close(group, int(seal[1]), seal[2].decode(), place)
            return []
        first = beginning_of(line) if line.endswith(b"\n") else None
        if first is None:
            return [*group, line]
        if group and first.get("found") == "whole":
            self.faults.append(f"{place}: lines before it have no seal")
        if first.get("found") in ("cut", "altered") and (first["open"], first["previous"]) != self.point:
            self.faults.append(f"{place}: entries before it are missing")
            self.point = (first["open"], first["previous"])
        return [line]

    def close(self, group, number, chain, place):
        first = beginning_of(group[0]) if group else None
        start = self.point
        if first is not None:
            start = (first.get("open", first.get("gap")), first["previous"])
            if first["stream"] != self.stream or start not in (self.seals if "gap" in first else [self.point]):
                self.faults.append(f"{place}: it does not continue the chain")
        entries = [int(entry[1]) for entry in map(ENTRY.match, group) if entry]
        numbers = list(range(start[0] + 1, start[0] + len(entries) + 1))
        is_valid = entries == numbers and number == start[0] + len(entries) and chain == self.chain(start[1], group)
        if not is_valid:
            self.faults.append(f"{place}: the seal is not valid")
        elif first is not None and "gap" in first and start in self.seals:
            # The older file may be damaged after this seal.
            durable = self.seals.index(start)
            del self.faults[self.faults_before[durable] :]
            del self.seals[durable + 1 :], self.faults_before[durable + 1 :]
        self.point = (number, chain)
        if is_valid:
            self.seals.append(self.point)
            self.faults_before.append(len(self.faults))


def verify_audit(vault, paths):
    key = vault.audit_key()
    by_stream = {}
    for path in paths:
        first = first_of(path)
        by_stream.setdefault(first and first["stream"], []).append(path)
    faults = [f"{path}: it has no stream" for path in by_stream.pop(None, [])]
    entries = {}
    checkpoints = vault.checkpoints()
    for stream, files in by_stream.items():
        reader = Stream(stream, key)
        reader.read(files)
        faults += reader.faults
        entries[stream] = reader.point[0]
        end = checkpoints.get(stream)
        if end is None or (end["lastNumber"], end["chain"]) not in reader.seals:
            faults.append(f"stream {stream}: it does not reach its checkpoint")
    faults += [f"stream {stream}: no file" for stream in checkpoints if stream not in by_stream]
    return {"entries": entries, "faults": faults}


def main(command, database, root_key_file, *rest):
    vault = Vault(database, root_key_file)
    if command == "refresh-token":
        print(vault.refresh_token(*rest))
    elif command == "client-secret":
        print(vault.client_secret(*rest))
    elif command == "verify-audit":
        report = verify_audit(vault, rest)
        print(json.dumps(report))
        return 1 if report["faults"] else 0
    else:
        raise SystemExit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
