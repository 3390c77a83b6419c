import type { Http2Stream } from 'node:http2';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StreamsById } from '../../src/rpc/transport/streams_by_id.ts';

const change = fc.record({ kind: fc.constantFrom('open', 'open', 'set', 'delete'), at: fc.nat(40) });

test('it behaves as a Map does, with ids in ascending order', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const map = new Map<number, Http2Stream>();
      const streams = new StreamsById<Http2Stream>();
      let last = -1;
      for (const { kind, at } of changes) {
        if (kind === 'open') last += 2;
        const id = kind === 'open' ? last : 2 * at + 1;
        if (kind === 'delete') expect(streams.delete(id)).toBe(map.delete(id));
        else if (kind === 'open' || map.has(id)) {
          const stream = { id } as Http2Stream;
          map.set(id, stream);
          expect(streams.set(id, stream)).toBe(streams);
        }
        expect([streams.size, streams.has(id), streams.get(id)]).toEqual([map.size, map.has(id), map.get(id)]);
      }
      const visited: [number, Http2Stream][] = [];
      streams.forEach((stream, id) => {
        visited.push([id, stream]);
      });
      expect(visited).toEqual([...map]);
      expect(streams.values()).toEqual([...map.values()]);
      streams.clear();
      expect([streams.size, streams.values()]).toEqual([0, []]);
    }),
  );
});

test('a stream that ends another one during forEach disturbs nothing', () => {
  const streams = new StreamsById<Http2Stream>();
  for (const id of [1, 3, 5]) streams.set(id, { id } as Http2Stream);
  const visited: number[] = [];

  streams.forEach((_stream, id) => {
    visited.push(id);
    streams.delete(id);
    streams.delete(id + 2);
  });

  expect(visited).toEqual([1, 3, 5]);
  expect(streams.size).toBe(0);
});
