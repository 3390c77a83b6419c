import type { DescMessage } from '@bufbuild/protobuf';
import fc, { type Arbitrary } from 'fast-check';

type Mutation = (bytes: Uint8Array) => Uint8Array;

const HUGE_VARINT = Buffer.alloc(12, 0xff);
const LONGEST_VARINT = Buffer.from('ffffffffffffffffff01', 'hex');

/** Mutated encodings of messages, and bytes that never were one. */
export function fuzzedBytes(message: DescMessage, encoded: Arbitrary<Uint8Array>): Arbitrary<Uint8Array> {
  const numbers = fc.constantFrom(0, 1, ...message.fields.map(({ number }) => number), 536_870_911);
  const wireTypes = fc.integer({ min: 0, max: 7 });
  const noise = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  /** A field whose wire type or content is not that of the message. */
  const field = fc
    .tuple(numbers, wireTypes, fc.oneof(noise, fc.constantFrom(HUGE_VARINT, LONGEST_VARINT)))
    .map(([number, wireType, content]) => Buffer.concat([varint(number * 8 + wireType), content]));
  /** A string or message with content that is not UTF-8, or with a wrong length. */
  const text = fc
    .tuple(
      numbers,
      fc.constantFrom('c328', 'eda080', 'f8a1a1a1a1', 'ff', '00'),
      fc.constantFrom(0, 1, 100, 2 ** 31, 2 ** 32 - 1),
    )
    .map(([number, hex, more]) => {
      const content = Buffer.from(hex, 'hex');
      return Buffer.concat([varint(number * 8 + 2), varint(content.length + more), content]);
    });
  const groups = fc
    .tuple(numbers, fc.constantFrom(1, 100, 20_000))
    .map(([number, depth]) => Buffer.concat(Array<Buffer>(depth).fill(varint(number * 8 + 3))));
  const insertion = fc.oneof(field, text, { weight: 1, arbitrary: groups }, noise);

  const mutation: Arbitrary<Mutation> = fc.oneof(
    fc.tuple(fc.nat(), fc.nat(7)).map(
      ([at, bit]): Mutation =>
        (bytes) => {
          const flipped = Buffer.from(bytes);
          const index = at % Math.max(1, bytes.length);
          if (bytes.length > 0) flipped[index] = (bytes[index] ?? 0) ^ (1 << bit);
          return flipped;
        },
    ),
    fc.nat().map(
      (at): Mutation =>
        (bytes) =>
          bytes.subarray(0, at % (bytes.length + 1)),
    ),
    fc.tuple(fc.nat(), insertion).map(
      ([at, more]): Mutation =>
        (bytes) => {
          const index = at % (bytes.length + 1);
          return Buffer.concat([bytes.subarray(0, index), more, bytes.subarray(index)]);
        },
    ),
    insertion.map(
      (more): Mutation =>
        (bytes) =>
          Buffer.concat([bytes, more]),
    ),
    fc.constant<Mutation>((bytes) => Buffer.concat([bytes, bytes])),
  );
  return fc.oneof<fc.MaybeWeightedArbitrary<Uint8Array>[]>(
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }) },
    {
      weight: 4,
      arbitrary: fc
        .tuple(encoded, fc.array(mutation, { minLength: 1, maxLength: 4 }))
        .map(([bytes, mutations]) => mutations.reduce((changed, mutate) => mutate(changed), bytes)),
    },
  );
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80);
  return Buffer.from([...bytes, left]);
}
