import type { AppSpec } from '../app_spec.ts';
import { createLineIndex } from '../line_index.ts';
import type { RejectedEntry } from '../rejected_entry.ts';
import { type BotpressTarget, readStrategy } from './botpress_strategy.ts';
import { strategyNodes } from './strategy_nodes.ts';

export interface BotpressConfig {
  readonly wishes: readonly AppSpec[];
  readonly leftOut: readonly RejectedEntry[];
}

/** `botpress.config.json` of Botpress v12: an app registration for each strategy that signs in with Entra. */
export function readBotpressConfig(text: string, target: BotpressTarget): BotpressConfig {
  const { strategies, brokenLines, found } = strategyNodes(text.replace(/^\uFEFF/, ' '));
  const wishes: AppSpec[] = [];
  const leftOut: RejectedEntry[] = brokenLines.map((line) => ({
    outcome: 'REFUSED',
    line,
    what: 'file',
    reason: 'NOT_JSON',
    why: 'is not valid JSON here; what stands around this line may be missing below',
    nextStep: CORRECT,
  }));
  if (!found) leftOut.push({ ...missing, nextStep: CORRECT });

  const names = createLineIndex(64);
  const clients = createLineIndex(64);
  for (const one of strategies) {
    const read = readStrategy(one, target);
    const namesake = names.claim(one.name, one.line);
    if (namesake !== undefined) {
      leftOut.push(duplicate(one, read.what, `has the name of line ${namesake}`));
    } else if ('outcome' in read) {
      leftOut.push(read);
    } else {
      const owner = clients.claim(read.clientId, one.line);
      if (owner === undefined) wishes.push(read);
      else leftOut.push(duplicate(one, read.what, `has the clientID of line ${owner}`, SHARED));
    }
  }
  return { wishes, leftOut };
}

const CORRECT = 'Correct the file and run the import again; what is in already is left alone.';
const SHARED = 'One registration is one app: add its callbackURL to the redirect_uris of that app with UpdateApp.';

const missing = {
  outcome: 'REFUSED',
  line: 1,
  what: 'file',
  reason: 'FIELD_INVALID',
  why: 'has no authStrategies',
} as const;

function duplicate({ line }: { line: number }, what: string, why: string, nextStep = CORRECT): RejectedEntry {
  return { outcome: 'REFUSED', line, what, reason: 'DUPLICATE', why, nextStep };
}
