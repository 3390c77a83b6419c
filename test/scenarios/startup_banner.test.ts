import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runInProcess } from '../cli/run_in_process.ts';
import { serveProgram } from './vault_program.ts';

test('the command that the start prints registers a tenant with the app of the sandbox', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tokenvault-banner-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  symlinkSync(join(process.cwd(), 'src'), join(folder, 'src'));
  const vault = await serveProgram(folder, { SANDBOX: 'on', SANDBOX_ADDRESS: '127.0.0.1:0' });

  const line = /^ {2}echo '(\S+)' \| npm run token-vault -- (.*)$/m;
  const [, input = '', command = ''] = line.exec(vault.written.stdout) ?? [];
  const { code, stdout } = await runInProcess(command.split(' '), { input });

  expect([code, stdout]).toEqual([0, expect.stringMatching(/^tenants\/acme is created\.\n/)]);
  await vault.stop();
});
