import { createHmac, createSecretKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { verifyAuditFiles } from './verify_all_files.ts';

const document = readFileSync('docs/formats.md', 'utf8');
const blockOf = (name: string) => document.split(`\`\`\`${name}\n`)[1]?.split('```')[0] ?? '';
const KEY = Buffer.from(blockOf('audit-key').trim(), 'hex');
const FILES = ['audit.jsonl.3', 'audit.jsonl'].map((name) => ({ name, text: blockOf(name) }));
const CHECKPOINT = /`lastNumber` is (\d+), and `chain` is `([0-9a-f]{64})`/.exec(document) ?? [];
const [, TOKEN = '', FINGERPRINT] = /Access token `(\S+)`, with the fingerprint `(\S+)`/.exec(document) ?? [];

/** By the document alone: the numbers and chain values of all valid seals. */
function verify(text: string): [number, string][] {
  const seals: [number, string][] = [];
  let stream = '';
  let previous = Buffer.alloc(0);
  let group = '';
  let last = 0;
  for (const line of text.trimEnd().split('\n')) {
    const fields = JSON.parse(line) as Record<string, string & number>;
    if (fields['seal'] === undefined) {
      if (fields['n'] !== undefined) {
        last += 1;
        expect(fields['n']).toBe(last);
      } else {
        stream = fields['stream'] ?? '';
        previous = Buffer.from(fields['previous'] ?? '', 'hex');
        last = Number(fields['open'] ?? fields['gap']);
      }
      group += `${line}\n`;
      continue;
    }
    const chain = createHmac('sha256', KEY).update(Buffer.from(stream)).update(previous).update(group).digest();
    expect([last, chain.toString('hex')]).toEqual([fields['seal'], fields['chain']]);
    seals.push([last, chain.toString('hex')]);
    previous = chain;
    group = '';
  }
  expect(group).toBe('');
  return seals;
}

test('the audit log in the document is valid by what the document says', () => {
  const seals = FILES.map(({ text }) => verify(text));
  expect(seals.map((one) => one.map(([number]) => number))).toEqual([
    [0, 1, 3],
    [1, 3, 3],
  ]);
  const gap = JSON.parse(FILES[1]?.text.split('\n')[0] ?? '');
  expect([gap.gap, gap.previous]).toEqual(seals[0]?.[1]);
  expect([gap.written, gap.written_chain]).toEqual(seals[0]?.[2]);
  expect([Number(CHECKPOINT[1]), CHECKPOINT[2]]).toEqual(seals[1]?.[1]);
  expect(createHmac('sha256', KEY).update(TOKEN).digest('hex').slice(0, 16)).toBe(FINGERPRINT);
  expect(FILES[0]?.text).toContain(`"token":"${FINGERPRINT}"`);
});

test('the audit log in the document is valid by the program', () => {
  const [, number, chain = ''] = CHECKPOINT;
  const streamId = /"stream":"([^"]+)"/.exec(FILES[0]?.text ?? '')?.[1] ?? '';
  const report = verifyAuditFiles({
    files: FILES.map(({ name, text }) => ({ name, lines: text.split('\n') })).reverse(),
    key: createSecretKey(KEY),
    streams: [
      { streamId, name: 'vault-0:-', firstNumber: 1, firstTime: 0, lastNumber: Number(number), lastTime: 0, chain },
    ],
  });
  expect(report).toMatchObject({ unseen: [], unknown: [] });
  expect(report.streams).toMatchObject([
    { streamId, entries: 3, last: 3, faults: [], missing: [], torn: [], checkpoint: 'found' },
  ]);
});
