import { expect, test } from 'vitest';
import { createEventGridHandler } from '../../src/web/event_grid_secret_change_handler.ts';
import type { GridEvent } from '../../src/web/parse_event_grid_event.ts';

test('remembers the last 10,000 accepted events, and no more', async () => {
  let replayed = 0;
  const handler = createEventGridHandler({
    keyVaults: [],
    secretSource: { checkUri: (_, uri) => uri },
    secretChanges: { onSecretChanged: async () => 1 },
    metrics: {
      received(outcome) {
        if (outcome === 'replayed') replayed += 1;
      },
    },
  });
  const event = (number: number): GridEvent => ({
    identity: String(number),
    type: 'microsoft.keyvault.secretexpired',
    data: new Map([['id', 'https://acme.vault.azure.net/secrets/mail']]),
  });
  await handler.accept(Array.from({ length: 10_001 }, (_, number) => event(number)));

  await handler.accept([event(1), event(10_000)]);
  expect(replayed).toBe(2);
  await handler.accept([event(0)]);
  expect(replayed).toBe(2);
});
