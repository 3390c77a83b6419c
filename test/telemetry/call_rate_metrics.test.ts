import { expect, test } from 'vitest';
import { roleRule } from '../../src/model/authenticated_caller.ts';
import { createCallRates } from '../../src/rpc/pipeline/call_rates.ts';
import { createMetrics } from '../../src/telemetry/vault_metrics.ts';
import { caller } from '../rpc/stage.ts';

test('calls beyond a rate are counted by caller', async () => {
  const metrics = createMetrics();
  const rule = { ...roleRule('reads', 'token_reader', ['acme']), rate: { perSecond: 1, burst: 1 } };
  const mail = { ...caller('mail', 'token_reader', 'acme').known.caller, rules: [rule] };
  const authenticator = { known: () => [mail], listen: () => () => {} };
  const rates = createCallRates(authenticator, metrics.rpc.rateExceeded);

  rates.admit(mail, mail.rules, 0);
  for (let i = 0; i < 2; i++) expect(() => rates.admit(mail, mail.rules, 0)).toThrow('exceeds the rate of reads');

  expect(await metrics.text()).toContain('tokenvault_call_rate_exceeded_total{caller="mail"} 2');
});
