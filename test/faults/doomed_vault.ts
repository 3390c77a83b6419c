/**
 * The vault in its own process, which kills itself with SIGKILL at the crash point that a line on standard input names, or DOOM from
 * the start. With a second word, it sends itself that signal instead, once. `sql:` and the name of a prepared statement of PostgreSQL is a
 * crash point too, before the statement is sent. The line `round` runs the background jobs and deliveries at once. Prints `ready`, then `armed`
 * and `done`.
 * Configured by TOKENVAULT_… like the real program.
 */
import { createInterface } from 'node:readline';
import pg from 'pg';
import { readConfig } from '../../src/config/read_config_from_environment.ts';
import { type Seams, startVault } from '../../src/startup/start_vault.ts';
import { withCrashPoints } from '../crash_points.ts';

let doom = process.env['DOOM'];
let round = async () => {};
const onJobsStarted: Seams['onJobsStarted'] = ({ scheduler, deliveries: sinks, rewrapping, resealing }) => {
  round = async () => {
    await scheduler.runOnce();
    await sinks.runOnce();
    await rewrapping.runOnce();
    await resealing.runOnce();
  };
};

function reach(point: string): void {
  const [at, signal = 'SIGKILL'] = doom?.split(' ') ?? [];
  if (point !== at) return;
  doom = undefined;
  process.kill(process.pid, signal);
}

const { query } = pg.Client.prototype;
pg.Client.prototype.query = function (this: pg.Client, ...request: [{ name?: string }]) {
  reach(`sql:${request[0].name}`);
  return Reflect.apply(query, this, request);
} as typeof query;

const vault = await startVault(readConfig(), {
  decorate: (outside) => withCrashPoints(outside, reach),
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
