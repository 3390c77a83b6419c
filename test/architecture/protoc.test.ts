import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = resolve(fileURLToPath(import.meta.url), '../../..');
const version = versionOfProtoc();
if (version === undefined) console.warn('protoc is not installed: the test of the proto files with it is skipped.');

/** Clients compile the files with the protoc of their distribution: Debian 12 and Ubuntu 24.04 have 3.21. */
test.skipIf(version === undefined)('protoc compiles every proto file', () => {
  const out = mkdtempSync(join(tmpdir(), 'protoc-'));
  try {
    const files = readdirSync(join(root, 'proto/tokenvault/v1')).map((name) => `tokenvault/v1/${name}`);
    const folders = ['proto', 'third_party/proto'].map((name) => `--proto_path=${join(root, name)}`);
    const languages = ['python', 'java', 'csharp'].map((language) => `--${language}_out=${out}`);
    execFileSync('protoc', [...folders, ...languages, ...files], { stdio: 'pipe' });
    expect(readdirSync(out, { recursive: true, encoding: 'utf8' })).toEqual(
      expect.arrayContaining(['tokenvault/v1/token_service_pb2.py', 'tokenvault/v1/GetAccessTokenRequest.java']),
    );
  } finally {
    rmSync(out, { recursive: true });
  }
});

function versionOfProtoc(): string | undefined {
  try {
    return execFileSync('protoc', ['--version'], { encoding: 'utf8' });
  } catch {
    return undefined;
  }
}
