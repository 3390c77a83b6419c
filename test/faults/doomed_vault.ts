/**
 * The vault as a process of its own, which kills itself with SIGKILL at the point that a line on standard input names, or DOOM from the
 * start. The line `round` makes it look at what ends, and tell it, at once. Says `ready`, then `armed` and `done`, on standard output.
 * Configured by TOKENVAULT_… like the real program.
 */
import { createInterface } from 'node:readline';
import { readConfig } from '../../src/config/read_config.ts';
import { type Seams, startVault } from '../../src/startup/vault.ts';
import { withCrashPoints } from '../crash_points.ts';

let doom = process.env['DOOM'];
let round = async () => {};
const onJobsStarted: Seams['onJobsStarted'] = ({ scheduler, deliveries: sinks }) => {
  round = async () => {
    await scheduler.runOnce();
    await sinks.runOnce();
  };
};

const vault = await startVault(readConfig(), {
  decorate: (outside) =>
    withCrashPoints(outside, (point) => {
      if (point === doom) process.kill(process.pid, 'SIGKILL');
    }),
  onJobsStarted,
});

createInterface({ input: process.stdin }).on('line', async (line) => {
  if (line === 'round') {
    await round();
    process.stdout.write('done\n');
    return;
  }
  doom = line;
  process.stdout.write('armed\n');
});
process.on('SIGTERM', async () => {
  await vault.stop();
  process.exit(0);
});
process.stdout.write(`ready ${JSON.stringify(vault.addresses)}\n`);
