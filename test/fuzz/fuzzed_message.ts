import { create, type DescField, type DescMessage, type Message, ScalarType, toBinary } from '@bufbuild/protobuf';
import fc, { type Arbitrary } from 'fast-check';
import { fuzzedString } from './fuzzed_strings.ts';

/** Fields that only carry secrets. What a caller puts into another field may be in the response. */
const SECRETS = ['client_secret', 'refresh_token'];
/** Without them nearly every request would fail at once; their values include the empty string. */
const REQUIRED = [
  'name',
  'parent',
  'requests',
  'connection',
  'tenant',
  'app',
  'tenantId',
  'appId',
  'credentialId',
  'scopes',
  'preset',
];
const DEPTH = 4;
/** More than a request may have. One of many megabytes would use up the memory of its connection. */
const MAX_BYTES = 100_000;

/** Messages of a type, by its descriptor: most fields are valid, the others at or beyond a boundary. */
export function fuzzedMessage(message: DescMessage, secrets: readonly string[]): Arbitrary<Message> {
  return fieldsOf(message, secrets, DEPTH)
    .map((init) => create(message, init))
    .filter((one) => toBinary(message, one).length <= MAX_BYTES);
}

function fieldsOf(message: DescMessage, secrets: readonly string[], depth: number): Arbitrary<Record<string, unknown>> {
  const members = message.members.map((member) => {
    if (member.kind !== 'oneof') return [member.localName, fieldValue(member, secrets, depth)] as const;
    const cases = member.fields.map((field) =>
      fieldValue(field, secrets, depth).map((value) => ({ case: field.localName, value })),
    );
    return [member.localName, fc.oneof({ withCrossShrink: true }, fc.constant({ case: undefined }), ...cases)] as const;
  });
  const requiredKeys = members.map(([name]) => name).filter((name) => REQUIRED.includes(name));
  return fc.record(Object.fromEntries(members) as Record<string, Arbitrary<unknown>>, { requiredKeys });
}

function fieldValue(field: DescField, secrets: readonly string[], depth: number): Arbitrary<unknown> {
  if (field.fieldKind === 'list') return several(single(field, secrets, depth));
  if (field.fieldKind === 'map')
    return fc.dictionary(
      fc.oneof(fc.constantFrom('tier', 'plan'), fuzzedString(field)),
      single(field, secrets, depth),
      {
        maxKeys: 3,
      },
    );
  return single(field, secrets, depth);
}

/** Seldom very many, because they must fit in a request. */
function several(one: Arbitrary<unknown>): Arbitrary<unknown[]> {
  const many = fc.tuple(one, fc.constantFrom(33, 300)).map(([value, times]) => Array<unknown>(times).fill(value));
  return fc.oneof({ weight: 20, arbitrary: fc.array(one, { maxLength: 3 }) }, { weight: 1, arbitrary: many });
}

function single(field: DescField, secrets: readonly string[], depth: number): Arbitrary<unknown> {
  if (field.message !== undefined) return depth === 0 ? fc.constant({}) : fieldsOf(field.message, secrets, depth - 1);
  if (field.enum !== undefined) {
    const known = field.enum.values.map(({ number }) => number);
    return fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(...known) },
      { weight: 1, arbitrary: fc.constantFrom(99, -1, 2 ** 31 - 1) },
    );
  }
  const scalar = field.fieldKind === 'map' ? ScalarType.STRING : field.scalar;
  switch (scalar) {
    case ScalarType.BOOL:
      return fc.boolean();
    case ScalarType.BYTES:
      return fc.oneof(
        fc.uint8Array({ maxLength: 64 }),
        fc.constant(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)),
      );
    case ScalarType.INT32:
      return fc.oneof(
        fc.integer({ min: 0, max: 40 }),
        fc.constantFrom(-1, 2 ** 31 - 1, -(2 ** 31), 999_999_999, 1_000_000_000),
      );
    case ScalarType.INT64:
      return fc.oneof(
        fc.bigInt({ min: 0n, max: 4_000_000_000n }),
        fc.constantFrom(-1n, 253_402_300_800n, -62_135_596_801n, 2n ** 63n - 1n, -(2n ** 63n)),
      );
    case ScalarType.STRING:
      return SECRETS.includes(field.name)
        ? fc.oneof(fc.constantFrom(...secrets), fuzzedString(field))
        : fuzzedString(field);
    default:
      throw new Error(`The fuzzer has no values for ${field}`);
  }
}
