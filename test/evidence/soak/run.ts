import { LONG, layOut, SHORT } from './layout.ts';
import { plan, type SoakKind } from './plan.ts';
import { simulate } from './simulation.ts';

/** One run in a process of its own: `node run.ts users|apps seed with|without long|short`. Prints its tally as JSON. */
const [kind = 'users', seed = '1', outages = 'with', size = 'short'] = process.argv.slice(2);
const layout = layOut(size === 'long' ? LONG : SHORT);
const tally = await simulate(layout, plan(layout, kind as SoakKind, Number(seed)), {
  withOutages: outages === 'with',
  onDay: (day) =>
    process.stderr.write(`${kind}, ${outages} faults: day ${day} is over after ${performance.now().toFixed(0)} ms\n`),
});
process.stdout.write(`${JSON.stringify(tally)}\n`);
