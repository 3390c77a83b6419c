import type { AppSpec } from '../app_to_register.ts';
import { createLineIndex } from '../duplicate_line_index.ts';
import { type RejectedEntry, rejectedEntry } from '../rejected_entry.ts';
import { type BotpressTarget, readStrategy } from './app_from_botpress_strategy.ts';
import { strategyNodes } from './find_botpress_strategies_in_json.ts';

export interface BotpressConfig {
  readonly apps: readonly AppSpec[];
  readonly rejected: readonly RejectedEntry[];
}

const SHARED =
  'A registration can be only one app: add its callbackURL to the redirect_uris of that app with UpdateApp.';

/** Reads `botpress.config.json` of Botpress v12: an app registration for each strategy that signs in with Entra. */
export function readBotpressConfig(text: string, target: BotpressTarget): BotpressConfig {
  const { strategies, brokenLines, found } = strategyNodes(text.replace(/^\uFEFF/, ' '));
  const apps: AppSpec[] = [];
  const why = 'is not valid JSON here; entries near this line may be missing below';
  const rejected = brokenLines.map((line) => rejectedEntry({ line, what: 'file', reason: 'NOT_JSON', why }));
  if (!found)
    rejected.push(
      rejectedEntry({ line: 1, what: 'file', reason: 'FIELD_INVALID', why: 'has no object `authStrategies`' }),
    );

  const names = createLineIndex(64);
  const clients = createLineIndex(64);
  for (const strategy of strategies) {
    const { name, line } = strategy;
    const read = readStrategy(strategy, target);
    const { what } = read;
    const sameName = names.claim(name, line);
    if (sameName !== undefined) {
      rejected.push(rejectedEntry({ line, what, reason: 'DUPLICATE', why: `has the name of line ${sameName}` }));
    } else if ('outcome' in read) {
      rejected.push(read);
    } else {
      const sameClient = clients.claim(read.clientId, line);
      const duplicate = { line, what, reason: 'DUPLICATE', why: `has the clientID of line ${sameClient}` } as const;
      if (sameClient === undefined) apps.push(read);
      else rejected.push(rejectedEntry({ ...duplicate, nextStep: SHARED }));
    }
  }
  return { apps, rejected };
}
