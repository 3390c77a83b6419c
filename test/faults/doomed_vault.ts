/**
 * The vault as a process of its own, which kills itself with SIGKILL at the point that a line on standard input names.
 * Says `ready`, then `armed`, on standard output. Configured by TOKENVAULT_… like the real program.
 */
import { createInterface } from 'node:readline';
import { readConfig } from '../../src/config/read_config.ts';
import { startVault } from '../../src/vault.ts';

let doom: string | undefined;

const vault = await startVault(readConfig(), {
  crashPoints: {
    reach(point) {
      if (point === doom) process.kill(process.pid, 'SIGKILL');
    },
  },
});

createInterface({ input: process.stdin }).on('line', (point) => {
  doom = point;
  process.stdout.write('armed\n');
});
process.on('SIGTERM', async () => {
  await vault.stop();
  process.exit(0);
});
process.stdout.write(`ready ${JSON.stringify(vault.addresses)}\n`);
