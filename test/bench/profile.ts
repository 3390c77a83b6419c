import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Profile } from './probe.ts';

export interface SelfTime {
  /** `src/rpc/pipeline/authenticated_service_adapter.ts succeed`, `node:internal/http2/core onSessionRead`, `(garbage collector)`. */
  readonly where: string;
  /** Share of the time that was not idle. */
  readonly share: number;
}

/** The self time of a profile by function or by file, in descending order. */
export function selfTimes(profile: Profile, by: 'function' | 'file'): SelfTime[] {
  const names = new Map(profile.nodes.map((node) => [node.id, nameOf(node.callFrame, by)]));
  const times = new Map<string, number>();
  let busy = 0;
  for (const [at, id] of (profile.samples ?? []).entries()) {
    const name = names.get(id) ?? '?';
    const time = profile.timeDeltas?.[at + 1] ?? 0;
    if (name === '(idle)') continue;
    busy += time;
    times.set(name, (times.get(name) ?? 0) + time);
  }
  return [...times]
    .map(([where, time]) => ({ where, share: time / busy }))
    .sort((one, other) => other.share - one.share);
}

function nameOf(frame: Profile['nodes'][number]['callFrame'], by: 'function' | 'file'): string {
  if (frame.url === '') return `(${frame.functionName.replaceAll(/[()]/g, '') || 'native'})`;
  const file = frame.url.startsWith('file:')
    ? relative(process.cwd(), fileURLToPath(frame.url))
    : frame.url.startsWith('/')
      ? relative(process.cwd(), frame.url)
      : frame.url;
  return by === 'file' ? file : `${file}:${frame.lineNumber + 1} ${frame.functionName || '(anonymous)'}`;
}

/** `node test/bench/profile.ts FILE.cpuprofile`: of a profile made by `node --cpu-prof`, or by `npm run bench -- --profile FOLDER`. */
if (import.meta.main) {
  const [file = ''] = process.argv.slice(2);
  const profile: Profile = JSON.parse(readFileSync(file, 'utf8'));
  for (const by of ['file', 'function'] as const) {
    console.log(`\nself time by ${by}`);
    for (const { where, share } of selfTimes(profile, by).slice(0, 40))
      console.log(`${(share * 100).toFixed(1).padStart(6)} %  ${where}`);
  }
}
