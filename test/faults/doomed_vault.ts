/**
 * The vault as a process of its own that kills itself with SIGKILL at a chosen point, once SIGUSR2 has armed it.
 * Says `ready`, then `armed`, on standard output. Configured by TOKENVAULT_… like the real program.
 */
import { readConfig } from '../../src/config.ts';
import { startVault } from '../../src/vault.ts';

const doom = process.argv[2];
let armed = false;

const vault = await startVault(readConfig(), {
  crashPoints: {
    reach(point) {
      if (armed && point === doom) process.kill(process.pid, 'SIGKILL');
    },
  },
});

process.on('SIGUSR2', () => {
  armed = true;
  process.stdout.write('armed\n');
});
process.on('SIGTERM', async () => {
  await vault.stop();
  process.exit(0);
});
process.stdout.write(`ready ${JSON.stringify(vault.addresses)}\n`);
