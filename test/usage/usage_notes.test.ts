import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR } from '../../src/model/clock.ts';
import type { Use } from '../../src/store/usage_store_interface.ts';
import { createUsageNotes } from '../../src/usage/usage_notes.ts';
import { startUsageWriter } from '../../src/usage/write_usage.ts';

const NOW = 1_800_000_000_000;
const caller = (id: string, credentialId = 'k1') => ({ id, credentialId });

describe('notes', () => {
  test('a connection is noted once an hour, and each of its callers once a day', () => {
    const notes = createUsageNotes();
    const uses: Use[] = [];
    for (let minute = 0; minute < 48 * 60; minute += 10) {
      notes.served('c', 'mail', NOW + minute * 60_000);
      uses.push(...notes.take(9));
    }
    const ofCaller = uses.filter((use) => use.kind === 'connection' && use.caller === 'mail');
    expect(uses.length - ofCaller.length).toBe(48);
    expect(ofCaller.map(({ time }) => time)).toEqual([NOW, NOW + DAY]);
  });

  test('as many connections as the limit, each with two callers, are noted once', () => {
    const notes = createUsageNotes({ mostConnections: 1_000 });
    for (let pass = 0; pass < 2; pass += 1) {
      for (let number = 0; number < 1_000; number += 1)
        for (const caller of ['mail', 'calendar']) notes.served(`c${number}`, caller, NOW);
      expect(notes.take(9_999)).toHaveLength(pass === 0 ? 3_000 : 0);
    }
  });

  test('a credential is noted once an hour, also if its caller is another object', () => {
    const notes = createUsageNotes();
    const known = caller('mail');
    notes.authenticated(known, NOW);
    notes.authenticated(known, NOW + HOUR - 1);
    notes.authenticated(caller('mail'), NOW + HOUR - 1);
    expect(notes.take(9)).toHaveLength(1);
    notes.authenticated(known, NOW + HOUR);
    expect(notes.take(9)).toEqual([{ kind: 'credential', caller: 'mail', credentialId: 'k1', time: NOW + HOUR }]);
  });

  test('a clock that is set back does not stop the notes', () => {
    const notes = createUsageNotes();
    const known = caller('mail');
    notes.authenticated(known, NOW);
    notes.served('c', 'mail', NOW);
    notes.take(9);
    notes.authenticated(known, NOW - DAY);
    notes.served('c', 'mail', NOW - DAY);
    expect(notes.take(9)).toHaveLength(3);
  });

  test('no more are kept than the limit, whatever is used, restored and taken; the oldest go first', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('served' as const), connection: fc.nat(40), caller: fc.nat(3) }),
      fc.record({ kind: fc.constant('take' as const), restores: fc.boolean() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const notes = createUsageNotes({ mostPending: 10, mostConnections: 7 });
        let time = NOW;
        for (const one of steps) {
          time += 1;
          if (one.kind === 'served') notes.served(`c${one.connection}`, `m${one.caller}`, time);
          else {
            const taken = notes.take(4);
            const times = taken.map((use) => use.time);
            expect(times).toEqual(times.toSorted((a, b) => a - b));
            if (one.restores) notes.restore(taken);
          }
          expect(notes.size).toBeLessThanOrEqual(10);
        }
      }),
    );
  });

  test('what is dropped because too much is pending is noted with its next use', () => {
    const notes = createUsageNotes({ mostPending: 1 });
    notes.authenticated(caller('a'), NOW);
    notes.served('c', 'a', NOW);
    expect(notes.take(9)).toMatchObject([{ kind: 'credential' }]);
    notes.served('c', 'a', NOW + 1);
    expect(notes.take(1)).toMatchObject([{ connectionUid: 'c' }]);
  });
});

describe('the writer', () => {
  function start(record: (uses: readonly Use[]) => Promise<void>) {
    const notes = createUsageNotes();
    let tick = () => {};
    const every = (_: number, task: () => void) => {
      tick = task;
      return () => {};
    };
    const writer = startUsageWriter({ store: { record }, notes, every });
    return { notes, writer, tick: () => tick() };
  }

  test('commits at most 500 rows at a time, and everything at the end', async () => {
    const sizes: number[] = [];
    const { notes, writer } = start(async (uses) => void sizes.push(uses.length));
    for (let at = 0; at < 600; at += 1) notes.served(`c${at}`, 'mail', NOW);
    await writer.close();
    expect(sizes).toEqual([500, 500, 200]);
  });

  test('tries again what a database that was down did not take', async () => {
    let isDown = true;
    const written: Use[] = [];
    const { notes, writer } = start(async (uses) => {
      if (isDown) throw new Error('down');
      written.push(...uses);
    });
    notes.served('c', 'mail', NOW);
    await writer.writeAll();
    expect(notes.size).toBe(2);
    isDown = false;
    await writer.writeAll();
    expect(written).toHaveLength(2);
  });
});
