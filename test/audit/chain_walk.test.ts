import { expect, test } from 'vitest';
import type { AuditStream } from '../../src/audit/audit_log_interface.ts';
import { faultOf } from '../../src/audit/chain_fault.ts';
import { type ChainPoint, chainOf, GENESIS, sealLine } from '../../src/audit/hash_chain.ts';
import { recoverStart } from '../../src/audit/recover_file_start.ts';
import { readAuditFiles } from '../../src/audit/verify_audit_files.ts';
import { createChainWalk, type WalkOptions } from '../../src/audit/walk_hash_chain.ts';
import { HOUR } from '../../src/model/clock.ts';
import { entry, key, lineOf, STREAM, timeAt, writer } from './chain_writer.ts';
import { verifyAuditFiles } from './verify_all_files.ts';

function walk(lines: readonly string[], options: WalkOptions = {}, start = GENESIS) {
  const reported: [number | undefined, number, boolean][] = [];
  const onEntry: WalkOptions['onEntry'] = ({ n, line, isProved }) => reported.push([n, line, isProved]);
  const walked = createChainWalk({ key, streamId: STREAM }, start, { onEntry, ...options });
  for (const [at, line] of lines.entries()) walked.read(line, at + 1);
  walked.end();
  return Object.assign(walked, { reported });
}

/** A seal that no key made. */
const forged = (number: number) => `{"seal":${number},"chain":"${'a'.repeat(64)}"}`;

test('a sound chain has its entries, seals and times, and no fault', () => {
  const log = writer();
  const lines = [...log.open(), ...log.group(1, 2)];
  const expected = log.point;
  const found = walk([...lines, ...log.group(3)], { expected });
  expect(found).toMatchObject({
    entries: 3,
    last: 3,
    point: log.point,
    time: timeAt(3),
    isProved: true,
    isExpectedFound: true,
    torn: [],
    unsealed: undefined,
    faults: [],
    resumed: 0,
  });
  expect(found.displaced.size).toBe(0);
  expect(found.seals).toMatchObject([
    { ...GENESIS, line: 0, entries: 0, size: 0 },
    { number: 0, line: 2, entries: 0, size: 0 },
    { number: 2, line: 5, entries: 2, size: 2 },
    { number: 3, line: 7, entries: 3, size: 1 },
  ]);
  expect(found.reported).toEqual([
    [1, 3, true],
    [2, 4, true],
    [3, 6, true],
  ]);
});

test('the expected point is its number and its hash, also where the walk starts', () => {
  const log = writer();
  const lines = [...log.open(), ...log.group(1)];
  expect(walk(lines).isExpectedFound).toBe(false);
  expect(walk(lines, { expected: { number: 1, chain: GENESIS.chain } }).isExpectedFound).toBe(false);
  expect(walk(lines, { expected: { ...log.point, number: 2 } }).isExpectedFound).toBe(false);
  expect(walk(lines, { expected: log.point }).isExpectedFound).toBe(true);
  expect(walk([], { expected: GENESIS }).isExpectedFound).toBe(true);
});

test('lines without a seal at the end are torn, and the first one is named', () => {
  const log = writer();
  const found = walk([...log.open(), ...log.group(1), entry(2), entry(3)]);
  expect(found).toMatchObject({ torn: [5, 6], unsealed: 5, entries: 1, faults: [], time: timeAt(1) });
  expect(walk(log.open()).unsealed).toBeUndefined();
});

test('an edited group is a fault with its lines, entries and times, and the chain continues after it', () => {
  const log = writer();
  const [opening, first] = [log.open(), log.group(1)];
  const edited = log.group(2, 3).map((line) => line.replace('}', ' }'));
  const lines = [...opening, ...first, ...edited.with(2, lineOf(sealLine(log.point))), ...log.group(4)];
  const found = walk(lines);
  expect(found.faults).toEqual([
    {
      kind: 'altered',
      line: 7,
      firstLine: 5,
      entries: { from: 2, to: 3 },
      firstTime: timeAt(2),
      lastTime: timeAt(3),
      timeBefore: timeAt(1),
    },
  ]);
  expect([...found.displaced]).toEqual([2, 3]);
  expect(found).toMatchObject({ entries: 4, last: 4, torn: [] });
  expect(found.reported).toEqual([
    [1, 3, true],
    [2, 5, false],
    [3, 6, false],
    [4, 8, true],
  ]);
});

test('a seal without lines is a fault without entries', () => {
  const log = writer();
  expect(walk([...log.open(), forged(0)]).faults).toEqual([
    {
      kind: 'altered',
      line: 3,
      firstLine: 3,
      entries: undefined,
      firstTime: undefined,
      lastTime: undefined,
      timeBefore: timeAt(40),
    },
  ]);
});

test('inserted groups are faults, and what follows them continues at the seal before or at any of them', () => {
  const log = writer();
  const [opening, first, second] = [log.open(), log.group(1), log.group(2)];
  expect(walk([...opening, ...first, entry(9), forged(9), ...second])).toMatchObject({
    last: 2,
    faults: [{ line: 6, kind: 'missing', missing: { from: 2, to: 8 } }],
  });
  const branch = writer(STREAM, { number: 9, chain: 'a'.repeat(64) });
  const continued = branch.group(10);
  expect(walk([...opening, ...first, entry(9), forged(9), entry(8), forged(8), ...continued]).faults).toMatchObject([
    { line: 6 },
    { line: 8, kind: 'reordered' },
  ]);
});

test('a seal of the wrong number, and entries of wrong numbers, are faults even with a valid hash', () => {
  const text = (...lines: string[]) => lines.map((line) => `${line}\n`).join('');
  const sealed = (number: number, ...lines: string[]) => [
    ...lines,
    lineOf(sealLine({ number, chain: chainOf({ key, streamId: STREAM }, GENESIS.chain, text(...lines)) })),
  ];
  expect(walk(sealed(1, entry(1))).faults).toEqual([]);
  for (const lines of [
    sealed(2, entry(1)),
    sealed(1, entry(2)),
    sealed(2, entry(2), entry(1)),
    sealed(2, entry(1), entry(3)),
  ])
    expect(walk(lines).isProved).toBe(false);
});

test.each(['cut', 'altered'] as const)('an opening that reports a log %s continues at its own point', (found) => {
  const log = writer();
  const lines = [...log.open(), ...log.group(1)];
  const checkpoint = { number: 3, chain: 'b'.repeat(64) };
  const resumed = walk([...lines, ...log.open(found, checkpoint), ...log.group(4)]);
  expect(resumed).toMatchObject({ last: 4, resumed: 6, torn: [], entries: 2 });
  expect(resumed.faults).toEqual([
    {
      kind: 'missing',
      missing: { from: 2, to: 3 },
      line: 5,
      firstLine: 5,
      entries: undefined,
      firstTime: timeAt(40),
      lastTime: timeAt(40),
      timeBefore: timeAt(1),
    },
  ]);
});

test('an opening that reports a cut where the chain is has no fault, and one with the same number only has', () => {
  const log = writer();
  const lines = [...log.open(), ...log.group(1)];
  const { point } = log;
  expect(walk([...lines, ...log.open('cut')])).toMatchObject({ faults: [], resumed: 6 });
  const other = walk([...lines, ...log.open('cut', { ...point, chain: 'b'.repeat(64) })]);
  expect(other).toMatchObject({ faults: [{ line: 5, kind: 'altered' }], resumed: 6 });
  const [opening = ''] = writer().open('cut', { ...point, number: 2 });
  expect(walk([...lines, opening]).faults).toMatchObject([{ line: 5, kind: 'missing' }]);
});

test('an opening after lines without a seal discards them, and is a fault if it reports a whole log', () => {
  const log = writer();
  const lines = [...log.open(), ...log.group(1), entry(2)];
  const end = log.point;
  expect(walk([...lines, ...log.open('torn')])).toMatchObject({ torn: [5], faults: [], last: 1, resumed: 0 });
  const whole = walk([...lines, ...writer(STREAM, end).open('whole')]);
  expect(whole).toMatchObject({
    torn: [5],
    faults: [{ line: 6, firstLine: 5, kind: 'altered', entries: { from: 2, to: 2 } }],
    last: 1,
  });
});

test('lines of another stream are foreign, in any place of a group', () => {
  const log = writer();
  const lines = log.open();
  const [opening = ''] = writer('stream-2').open('whole', log.point);
  const [gap = ''] = writer('stream-2').gap(log.point, log.point);
  const next = log.group(1);
  for (const foreign of [opening, gap])
    expect(walk([...lines, entry(1), foreign, forged(1), ...next])).toMatchObject({
      faults: [{ kind: 'foreign', line: 5, firstLine: 3 }],
      torn: [],
    });
});

test('a gap continues at an earlier seal: what it repeats counts once, and faults before it are torn lines', () => {
  const log = writer();
  const lines = [...log.open(), ...log.group(1)];
  const durable = log.point;
  lines.push(...log.group(2), ...log.group(3));
  const written = log.point;
  const edited = lines.map((line) => (line.startsWith('{"n":3,') ? line.replace('}', ' }') : line));
  const repeats = [...log.gap(durable, written), ...log.group(2, 3)];

  const sound = walk([...lines, ...repeats], { expected: log.point });
  expect(sound).toMatchObject({ entries: 3, last: 3, torn: [], faults: [], isExpectedFound: true });
  expect(sound.reported).toEqual([
    [1, 3, true],
    [2, 5, true],
    [3, 7, true],
  ]);
  expect(sound.seals.map(({ line }) => line)).toEqual([0, 2, 4, 10, 13]);
  expect([...sound.displaced]).toEqual([]);

  const altered = walk([...edited, entry(4), ...repeats, ...log.group(4)]);
  expect(altered).toMatchObject({ entries: 4, last: 4, torn: [8, 9], faults: [] });
  expect(altered.reported).toEqual([
    [1, 3, true],
    [2, 5, true],
    [3, 7, false],
    [3, 13, true],
    [4, 15, true],
  ]);

  expect(walk([...lines, ...repeats], { expected: written }).isExpectedFound).toBe(false);
  expect(walk([...lines, ...repeats], { expected: durable }).isExpectedFound).toBe(true);
});

test('a fault before the point of a gap stays, and so does the end before it without the repeats', () => {
  const log = writer();
  const lines = [...log.open(), entry(1), forged(1), ...log.group(1)];
  const durable = log.point;
  const more = log.group(2);
  expect(walk([...lines, ...more, ...log.gap(durable, log.point)])).toMatchObject({
    faults: [{ line: 4 }],
    torn: [],
    entries: 2,
    last: 1,
  });
});

test('entries of a larger group that a gap repeats count once', () => {
  const log = writer();
  const lines = log.open();
  const durable = log.point;
  lines.push(...log.group(1, 2, 3));
  lines.push(...log.gap(durable, log.point), ...log.group(1, 2, 3));
  expect(walk(lines).reported.map(([n]) => n)).toEqual([1, 2, 3]);
});

test('an earlier group that is repeated without a gap is a fault', () => {
  const log = writer();
  const lines = [...log.open(), ...log.group(1)];
  const second = log.group(2);
  const found = walk([...lines, ...second, ...log.group(3), ...second]);
  expect(found.faults).toMatchObject([{ line: 10, kind: 'reordered' }]);
});

test('an entry beyond the number of its seal is reordered', () => {
  expect(faultOf([5], 3, 4)).toEqual({ kind: 'reordered' });
  expect(faultOf([4], 3, 4)).toEqual({ kind: 'altered' });
});

test('of files that begin at the same number, the one that continues the chain comes next', () => {
  const log = writer();
  const one = log.open();
  const two = [...log.open(), ...log.group(1)];
  expect(verify({ two, one }, listed(log.point)).streams).toMatchObject([{ files: ['one', 'two'], faults: [] }]);
});

test('a gap from beyond its written point, or to an unknown seal, is altered', () => {
  const log = writer();
  const lines = [...log.open(), ...log.group(1)];
  const durable = log.point;
  lines.push(...log.group(2));
  const written = log.point;
  const gap = writer().gap(durable, written);
  expect(walk([...lines, ...gap]).faults).toEqual([]);
  expect(walk([...lines, ...log.group(3), ...gap]).faults).toMatchObject([{ kind: 'altered' }]);
  for (const other of [
    { ...durable, chain: 'b'.repeat(64) },
    { ...durable, number: 0 },
  ])
    expect(walk([...lines, ...writer().gap(other, written)]).faults).toMatchObject([{ kind: 'altered' }]);
  expect(walk([...lines, ...gap.with(1, forged(1))]).faults).toMatchObject([{ kind: 'altered' }]);
});

test('a group of 32 MiB is verified, and a longer one is not', () => {
  const sealed = (length: number) => {
    const line = 'x'.repeat(length);
    const chain = chainOf({ key, streamId: STREAM }, GENESIS.chain, `${line}\n`);
    return [line, lineOf(sealLine({ number: 0, chain }))];
  };
  expect(walk(sealed(2 ** 25 - 1)).faults).toEqual([]);
  expect(walk(sealed(2 ** 25)).faults).toMatchObject([{ kind: 'altered' }]);
});

const listed = (point: ChainPoint, streamId = STREAM): AuditStream => ({
  streamId,
  name: 'host:log',
  firstNumber: 1,
  firstTime: timeAt(0),
  lastNumber: point.number,
  lastTime: timeAt(59),
  chain: point.chain,
});

function verify(files: Readonly<Record<string, readonly string[]>>, ...streams: readonly AuditStream[]) {
  const all = Object.entries(files).map(([name, lines]) => ({ name, lines: [...lines, ''] }));
  return verifyAuditFiles({ files: all, key, streams });
}

const AT_START = { line: 1, firstLine: 1, entries: undefined, firstTime: undefined, lastTime: undefined };

test('a line that lacks is reported with its place, its group and the times around it', () => {
  const log = writer();
  const one = [...log.open(), ...log.group(1)];
  const two = [...log.open(), ...log.group(2, 3, 4)];
  expect(verify({ one, two: two.toSpliced(3, 1) }, listed(log.point)).streams).toEqual([
    {
      streamId: STREAM,
      listed: listed(log.point),
      files: ['one', 'two'],
      entries: 3,
      last: 1,
      lastTime: timeAt(4),
      missing: [
        { from: 2, to: 4, after: timeAt(4), before: undefined },
        { from: 3, to: 3, after: timeAt(40), before: timeAt(4), at: { file: 'two', line: 5 } },
      ],
      faults: [
        {
          file: 'two',
          line: 5,
          firstLine: 3,
          kind: 'missing',
          entries: { from: 2, to: 4 },
          firstTime: timeAt(2),
          lastTime: timeAt(4),
        },
      ],
      torn: [],
      unsealed: undefined,
      checkpoint: 'cut',
    },
  ]);
});

test('what lacks is listed in its order, with the times around it', () => {
  const log = writer();
  const one = [...log.open(), ...log.group(1), ...log.group(2), ...log.group(3)];
  log.open();
  log.group(4, 5);
  const three = [...log.open('whole', log.point, 45), ...log.group(6)];
  const { point } = log;
  const end = { number: 8, chain: 'c'.repeat(64) };
  const [report] = verify({ three, one: one.toSpliced(4, 2) }, listed(end)).streams;
  expect(report?.missing).toEqual([
    { from: 2, to: 2, after: timeAt(1), before: timeAt(3), at: { file: 'one', line: 6 } },
    { from: 4, to: 5, after: timeAt(3), before: timeAt(45) },
    { from: 7, to: 8, after: timeAt(6), before: undefined },
  ]);
  expect(report).toMatchObject({ files: ['one', 'three'], checkpoint: 'cut', last: point.number });
});

test('the checkpoint is found, absent, or not listed', () => {
  const log = writer();
  const file = [...log.open(), ...log.group(1)];
  const checkpointOf = (...streams: AuditStream[]) => verify({ file }, ...streams).streams[0]?.checkpoint;
  expect(checkpointOf(listed(log.point))).toBe('found');
  expect(checkpointOf(listed({ ...log.point, chain: 'c'.repeat(64) }))).toBe('absent');
  expect(checkpointOf()).toBe('none');
});

test('a group without a seal at the end of a file is named where the next file begins', () => {
  const log = writer();
  const one = [...log.open(), ...log.group(1), entry(2)];
  const two = log.open();
  expect(verify({ one, two }, listed(log.point)).streams).toMatchObject([
    { faults: [{ file: 'two', line: 1, firstLine: 1, kind: 'altered' }], torn: [{ file: 'one', line: 5 }] },
  ]);
});

test('a line that was cut is not a seal, and is named', () => {
  const log = writer();
  const lines = [...log.open(), ...log.group(1), ...log.group(2)];
  const files = [{ name: 'log', lines }];
  const [report] = verifyAuditFiles({ files, key, streams: [] }).streams;
  expect(report).toMatchObject({ last: 1, unsealed: { file: 'log', line: 5 } });
  expect(report?.torn).toEqual([
    { file: 'log', line: 5 },
    { file: 'log', line: 6 },
  ]);
  expect(verify({ log: lines }).streams[0]?.unsealed).toBeUndefined();
});

test('a gap at the start of a file goes back to a seal of the file before', () => {
  const log = writer();
  const one = [...log.open(), ...log.group(1)];
  const durable = log.point;
  one.push(...log.group(2));
  const two = [...log.gap(durable, log.point), ...log.group(2)];
  expect(verify({ one, two }, listed(log.point)).streams).toMatchObject([
    { faults: [], missing: [], entries: 2, checkpoint: 'found' },
  ]);
});

test('a file that begins elsewhere with the number of the chain is altered at its start', () => {
  const log = writer();
  const one = [...log.open(), ...log.group(1)];
  const other = writer(STREAM, { number: 1, chain: 'b'.repeat(64) });
  const two = [...other.open(), ...other.group(2)];
  const [report] = verify({ one, two }, listed(other.point)).streams;
  expect(report).toMatchObject({ missing: [], last: 2, entries: 2, checkpoint: 'found' });
  expect(report?.faults).toEqual([{ ...AT_START, file: 'two', kind: 'altered' }]);
  expect(verify({ one, two }, listed({ number: 1, chain: 'b'.repeat(64) })).streams[0]?.checkpoint).toBe('found');
});

test('a stream that is listed with entries and without a file is unseen', () => {
  const point = (number: number) => ({ number, chain: 'c'.repeat(64) });
  const report = verify({}, listed(point(0), 'none'), listed(point(1), 'one'));
  expect(report).toEqual({
    streams: [],
    unknown: [],
    unseen: [
      {
        stream: listed(point(1), 'one'),
        missing: { from: 1, to: 1, after: timeAt(0), before: timeAt(59) + HOUR },
      },
    ],
  });
});

test('an empty file is not unknown, and one without lines of the log is', () => {
  expect(verify({ empty: [], blank: ['', ''], junk: ['', 'junk'] }).unknown).toEqual(['junk']);
});

test('entries of several streams come by their times, those without a time at once', () => {
  const [a, b] = [writer('a'), writer('b')];
  const files = [
    { name: 'a', lines: [...a.open(), ...a.group(1), ...a.group(2), ''] },
    { name: 'b', lines: [...b.open(), ...b.group(1), '{"n":2,"x":1}', forged(2), ...b.group(2), ''] },
  ];
  const order = [...readAuditFiles({ files, key, streams: [] })].map(({ streamId, line }) => `${streamId}${line}`);
  expect(order).toEqual(['a3', 'b3', 'b5', 'a5', 'b7']);
});

test('a file without its first line is of the stream for which its second group is valid', () => {
  const log = writer();
  const lines = [...log.open(), ...log.group(1), ...log.group(2)].slice(1);
  const [, chain = ''] = /"chain":"([^"]+)"/.exec(lines[0] ?? '') ?? [];
  const start = { number: 0, chain, streamId: STREAM, time: undefined };
  expect(recoverStart(lines, key, ['other', STREAM])).toEqual(start);
  expect(recoverStart(lines, key, ['other'])).toBeUndefined();
  expect(recoverStart(lines.slice(0, 2), key, [STREAM])).toBeUndefined();
  expect(recoverStart([], key, [STREAM])).toBeUndefined();
  const [report] = verify({ log: lines }, listed(log.point)).streams;
  expect(report).toMatchObject({ entries: 2, last: 2, missing: [], checkpoint: 'found' });
  expect(report?.faults[0]).toEqual({ ...AT_START, file: 'log', kind: 'altered' });
  const restarted = verify({ log: [...lines, ...log.open(), ...log.group(3)] }, listed(log.point)).streams;
  expect(restarted).toMatchObject([{ entries: 3, last: 3, missing: [] }]);
});

test('the stream of a file is sought in its first 16 groups', () => {
  const log = writer(STREAM, { number: 7, chain: 'a'.repeat(64) });
  const sealed = log.group(8);
  const groups = (count: number) => Array.from({ length: count }, () => forged(7));
  expect(recoverStart([...groups(16), ...sealed], key, [STREAM])).toMatchObject({ number: 7, streamId: STREAM });
  expect(recoverStart([...groups(17), ...sealed], key, [STREAM])).toBeUndefined();
});

test('the stream of a file is sought in groups of up to 32 MiB', () => {
  const log = writer(STREAM, { number: 7, chain: 'a'.repeat(64) });
  const sealed = log.group(8);
  const lines = (length: number) => ['x'.repeat(length), forged(7), ...sealed];
  expect(recoverStart(lines(2 ** 25 - 1), key, [STREAM])).toMatchObject({ number: 7 });
  expect(recoverStart(lines(2 ** 25), key, [STREAM])).toBeUndefined();
});
