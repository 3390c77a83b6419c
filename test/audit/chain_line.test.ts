import { array, assert, constantFrom, integer, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { gapLine, openingLine, sealLine } from '../../src/audit/hash_chain.ts';
import { parseChainLine, startOf, timeOf } from '../../src/audit/parse_chain_line.ts';
import { entry, lineOf, timeAt } from './chain_writer.ts';

const CHAIN = 'c'.repeat(64);
const POINT = { number: 7, chain: CHAIN };
const SEAL = lineOf(sealLine(POINT));
const COMMON = { streamId: 's1', instance: 'i', time: timeAt(1) };
const OPENING = lineOf(openingLine({ ...COMMON, after: POINT, found: 'cut' }));
const WRITTEN = { number: 9, chain: 'd'.repeat(64) };
const GAP = lineOf(gapLine({ ...COMMON, durable: POINT, written: WRITTEN, error: 'EIO' }));
const START = { ...POINT, streamId: 's1', time: timeAt(1) };

test('each line of the chain has its fields', () => {
  expect(parseChainLine(entry(3))).toEqual({ n: 3 });
  expect(parseChainLine(SEAL)).toEqual({ seal: POINT });
  expect(parseChainLine(OPENING)).toEqual({ opening: { ...START, found: 'cut' } });
  expect(parseChainLine(GAP)).toEqual({ gap: { ...START, written: 9 } });
  expect(parseChainLine(lineOf(sealLine({ number: 0, chain: CHAIN })))).toEqual({ seal: { number: 0, chain: CHAIN } });
});

test.each([entry(3), SEAL, OPENING, GAP])('a line with other text before it is no line of the chain: %s', (line) => {
  expect(parseChainLine(` ${line}`)).toEqual({});
  expect(parseChainLine(`{"n":${line}`)).toEqual({});
});

test.each([`${SEAL} `, `${SEAL}}`, SEAL.replace('7', '07'), SEAL.replace('cc', 'c'), SEAL.replace('cc', 'C')])(
  'no hash covers a seal, so only the exact line is one: %s',
  (line) => expect(parseChainLine(line)).toEqual({}),
);

test.each([
  ['a number below zero', OPENING.replace('7', '-7')],
  ['a number with a fraction', GAP.replace('7', '7.5')],
  ['a number beyond 2^53', OPENING.replace('7', '9007199254740992')],
  ['no state of the log', OPENING.replace('"found":"cut"', '"found":1')],
  ['no hash', OPENING.replace(`"${CHAIN}"`, '1')],
  ['a hash in a list', OPENING.replace(`"${CHAIN}"`, `["${CHAIN}"]`)],
  ['a short hash', OPENING.replace(CHAIN, 'c'.repeat(63))],
  ['text before its hash', OPENING.replace(CHAIN, `-${CHAIN}`)],
  ['text after its hash', OPENING.replace(CHAIN, `${CHAIN}-`)],
  ['no stream', OPENING.replace('"s1"', '1')],
  ['no number of the last entry', GAP.replace('"written":9', '"written":-1')],
  ['only the number of the last entry', GAP.replace('"gap":7', '"gap":7e99')],
  ['only the state of the log', OPENING.replace('"open":7', '"open":7e99')],
  ['a part only', OPENING.slice(0, -1)],
])('an opening or a gap with %s is no line of the chain', (_, line) => {
  expect(line.startsWith('{"open":') || line.startsWith('{"gap":')).toBe(true);
  expect(parseChainLine(line)).toEqual({});
});

test('no text stops the parser', () => {
  const part = constantFrom('{"open":', '{"gap":', '{"seal":', '{"n":', '1', '"previous":', CHAIN, '}', ',', '\\u0000');
  assert(property(array(part), string(), (parts, end) => void parseChainLine(parts.join('') + end)));
});

test('a number of an entry is exact, and larger ones are none', () => {
  assert(property(integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (n) => parseChainLine(`{"n":${n},`).n === n));
  expect(parseChainLine('{"n":9007199254740992,')).toEqual({});
});

test('the time of a line is its own, and no other text has one', () => {
  expect(timeOf(entry(1, 59))).toBe(timeAt(59));
  for (const time of [
    '',
    'soon',
    '1-01-01T00:00:00.000Z',
    '2026-13-01T00:00:00.000Z',
    '2026-01-01',
    'Dec 1 2026 10:00:00Z',
  ])
    expect(timeOf(`{"n":1,"time":"${time}"}`)).toBeUndefined();
});

test('a file begins at its first opening or gap, whatever is before it', () => {
  expect(startOf(['torn', entry(1), SEAL, OPENING, GAP])).toMatchObject(START);
  expect(startOf([GAP.replace('s1', 's2'), OPENING])).toMatchObject({ ...START, streamId: 's2' });
  expect(startOf([entry(1), SEAL])).toBeUndefined();
});
