import type { CallbackOutcome } from '../connect/authorizations.ts';
import type { Log } from '../telemetry/log.ts';
import { type Answer, page } from './answer.ts';
import { OUTCOME_FACTS, outcomeKind } from './pages/outcome_kind.ts';
import { outcomePage } from './pages/outcome_page.ts';
import type { Visit } from './visit.ts';
import type { Flow } from './words/words.ts';

/** The last page of a way. Where it shows a reference, the log has it too. */
export function outcomeAnswer(ended: {
  readonly log: Log;
  readonly visit: Pick<Visit, 'words' | 'requestId'>;
  readonly flow: Flow;
  readonly outcome: Pick<CallbackOutcome, 'outcome'> & Partial<CallbackOutcome>;
}): Answer {
  const { visit, flow, outcome, log } = ended;
  const { words, requestId } = visit;
  const { status, reference } = OUTCOME_FACTS[outcomeKind(outcome.outcome)];
  if (reference) log.event('warn', 'web_failed', { requestId, flow, reason: outcome.outcome });
  return page(status, words, outcomePage(words, { ...outcome, flow, requestId }));
}
