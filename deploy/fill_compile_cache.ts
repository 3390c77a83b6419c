/**
 * Starts the vault once, with an empty database, so that an image has Node's compile cache. Argument: the number of the
 * user that the image runs as, because Node names its folder after the user.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'first-start-'));
const addresses = ['GRPC', 'ADMIN', 'WEB', 'OPS'].map((name) => [`TOKENVAULT_${name}_ADDRESS`, '127.0.0.1:0']);
const vault = spawn(process.execPath, [join(root, 'bin/token-vault.js'), 'serve'], {
  cwd: folder,
  env: Object.fromEntries(addresses),
  stdio: ['ignore', 'pipe', 'inherit'],
});
// Its first output says that it serves. Node writes the cache at the exit.
vault.stdout.once('data', () => vault.kill('SIGTERM'));
const [code] = await once(vault, 'exit');
rmSync(folder, { recursive: true });
if (code !== 0) throw new Error(`The vault exited with code ${code} instead of 0.`);

const caches = join(root, 'node_modules/.cache/token-vault');
const own = new RegExp(`-${process.getuid?.()}$`);
for (const name of readdirSync(caches))
  renameSync(join(caches, name), join(caches, name.replace(own, `-${process.argv[2]}`)));
