/**
 * The vault in its own process, which kills itself with SIGKILL at the crash point that a line on standard input names, or DOOM from
 * the start. With a second word, it sends itself that signal instead, once. The line `round` runs the background jobs and deliveries at once. Prints `ready`, then `armed` and `done`.
 * Configured by TOKENVAULT_… like the real program.
 */
import { createInterface } from 'node:readline';
import { readConfig } from '../../src/config/read_config_from_environment.ts';
import { type Seams, startVault } from '../../src/startup/start_vault.ts';
import { withCrashPoints } from '../crash_points.ts';

let doom = process.env['DOOM'];
let round = async () => {};
const onJobsStarted: Seams['onJobsStarted'] = ({ scheduler, deliveries: sinks, rewrapping }) => {
  round = async () => {
    await scheduler.runOnce();
    await sinks.runOnce();
    await rewrapping.runOnce();
  };
};

const vault = await startVault(readConfig(), {
  decorate: (outside) =>
    withCrashPoints(outside, (point) => {
      const [at, signal = 'SIGKILL'] = doom?.split(' ') ?? [];
      if (point !== at) return;
      doom = undefined;
      process.kill(process.pid, signal);
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
