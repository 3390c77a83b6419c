import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startFakeVault } from '../src/start_fake_vault.ts';
import { TokenVault } from '../src/token_vault.ts';

test.each(['apiKeyFile', 'tokenFile'])(
  '%s is read again, so that a new credential is used without a restart',
  async (option) => {
    const folder = mkdtempSync(join(tmpdir(), 'client-'));
    const file = join(folder, 'credential');
    const fake = await startFakeVault();
    const vault = new TokenVault({ address: fake.address, [option]: file });
    onTestFinished(() => {
      vault.close();
      fake.close();
      rmSync(folder, { recursive: true });
    });
    for (const credential of ['first', 'second']) {
      writeFileSync(file, `${credential}\n`);
      await vault.getAccessToken({ connection: `tenants/acme/connections/${credential}` });
    }
    expect(fake.requests.map(({ authorization }) => authorization)).toEqual(['Bearer first', 'Bearer second']);
  },
);
