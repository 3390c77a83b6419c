import type { Caller, CallRate, Rule } from '../../model/authenticated_caller.ts';
import type { Duration } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import { createTokenBucket, type TokenBucket } from '../../model/token_bucket.ts';
import type { Authenticator } from './authenticator.ts';

/** Enforces the rates of rules, with a token bucket for each caller and rule. */
export interface CallRates {
  /** The rules that are within their rates; the call counts against each of them. RATE_LIMITED: none is. */
  admit(caller: Caller, rules: readonly Rule[], now: Duration): readonly Rule[];
  /** The error of a call for which only these rules are left, none of them within its rate. */
  exceeded(caller: Caller, rules: readonly Rule[], now: Duration): VaultError;
}

interface KnownBucket {
  readonly rate: CallRate;
  readonly bucket: TokenBucket;
}

/**
 * A bucket outlives a change of the callers while caller id, rule id and rate stay the same, so that a change of the
 * file does not refill it. Those of removed rules are dropped, so there are at most as many as rules.
 */
export function createCallRates(
  { known, listen }: Pick<Authenticator, 'known' | 'listen'>,
  onExceeded: (callerId: string) => void = () => {},
): CallRates {
  const byRule = new WeakMap<Rule, TokenBucket>();
  let byId = new Map<string, KnownBucket>();
  /** The last error by its first rule: the calls of a flood within the same millisecond share one. */
  const lastErrors = new WeakMap<Rule, VaultError>();

  function load(): void {
    const next = new Map<string, KnownBucket>();
    for (const caller of known()) {
      for (const rule of caller.rules) {
        if (rule.rate === undefined) continue;
        const id = `${caller.id} ${rule.id}`;
        const kept = next.get(id) ?? byId.get(id);
        const bucket = isOfRate(kept, rule.rate) ? kept.bucket : createTokenBucket(rule.rate);
        next.set(id, { rate: rule.rate, bucket });
        byRule.set(rule, bucket);
      }
    }
    byId = next;
  }

  load();
  listen(load);

  function bucketOf(rule: Rule, rate: CallRate): TokenBucket {
    let bucket = byRule.get(rule);
    if (bucket === undefined) {
      bucket = createTokenBucket(rate);
      byRule.set(rule, bucket);
    }
    return bucket;
  }

  const take = (rule: Rule, now: Duration) => rule.rate === undefined || bucketOf(rule, rule.rate).take(now);

  function exceeded(caller: Caller, rules: readonly Rule[], now: Duration): VaultError {
    onExceeded(caller.id);
    const waits = rules.map((rule) => (rule.rate === undefined ? 0 : bucketOf(rule, rule.rate).wait(now)));
    const ids = rules.map(({ id }) => id).join(', ');
    const retryAfter = Math.ceil(Math.min(...waits));
    const [first] = rules;
    const last = first && lastErrors.get(first);
    if (last?.retryAfter === retryAfter && last.metadata['caller'] === caller.id && last.metadata['rules'] === ids)
      return last;
    const message = `Caller ${caller.id} exceeds the rate of ${ids}. Retry after the given time, and call less often.`;
    const error = new VaultError('RATE_LIMITED', message, { metadata: { caller: caller.id, rules: ids }, retryAfter });
    if (first !== undefined) lastErrors.set(first, error);
    return error;
  }

  return {
    exceeded,
    admit(caller, rules, now) {
      let within: Rule[] | undefined;
      let count = 0;
      for (const rule of rules) {
        if (take(rule, now)) within?.push(rule);
        else within ??= rules.slice(0, count);
        count += 1;
      }
      if (within?.length === 0) throw exceeded(caller, rules, now);
      return within ?? rules;
    },
  };
}

function isOfRate(one: KnownBucket | undefined, { perSecond, burst }: CallRate): one is KnownBucket {
  return one?.rate.perSecond === perSecond && one.rate.burst === burst;
}
