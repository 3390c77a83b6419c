import fc, { type Arbitrary } from 'fast-check';

export interface FuzzedHeaders {
  readonly values: Readonly<Record<string, string>>;
  /** HTTP/2 or gRPC may refuse the request before the vault does. */
  readonly isOdd: boolean;
}

export interface ApiKeys {
  /** Of a caller with all roles. */
  readonly all: string;
  /** Of a caller that may read some tokens. */
  readonly some: string;
}

const LONG = 'x'.repeat(8_000);

/** `required` is in all. Mostly those of a caller with all roles; else another API key, none, or headers that no client sends. */
export function fuzzedHeaders(
  { all, some }: ApiKeys,
  required: Readonly<Record<string, string>>,
): Arbitrary<FuzzedHeaders> {
  const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
  const authorizations = [
    ...[
      '',
      'Bearer',
      'Bearer ',
      `Basic ${all}`,
      all,
      `bearer  ${all}`,
      `Bearer ${all} `,
      `Bearer ${all}, Bearer ${all}`,
    ],
    ...[`Bearer ${all.slice(0, -1)}`, `Bearer ${all}x`, `Bearer ${LONG}`, 'Bearer tv1_root_', 'Bearer tv1___proto___x'],
  ];
  const odd: readonly Readonly<Record<string, string>>[] = [
    ...['0n', '1n', '99999999H', '999999999H', '-1S', 'S', '1', '1e3S'].map((timeout) => ({ 'grpc-timeout': timeout })),
    ...['gzip', 'deflate', 'br', 'identity', 'x'].map((encoding) => ({ 'grpc-encoding': encoding })),
    ...['', 'gzip,,', LONG].map((accepted) => ({ 'grpc-accept-encoding': accepted })),
    ...['', 'AAAA', '%%%', '====', 'AA,AA', LONG].map((value) => ({
      'grpc-status-details-bin': value,
      'trace-bin': value,
    })),
    ...['application/grpc+json', 'application/json', 'text/plain', ''].map((type) => ({ 'content-type': type })),
    { 'x-long': LONG.repeat(2) },
    { 'user-agent': LONG },
    { 'x-latin': '\u00e9\u00ff' },
    { 'grpc-status': '0', 'grpc-message': '%0d%0a' },
    { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-ff` },
    Object.fromEntries([['__proto__', 'x']]),
    Object.fromEntries([['constructor', 'x']]),
  ];
  const known = (values: Readonly<Record<string, string>>) => ({ values: { ...required, ...values }, isOdd: false });
  return fc.oneof(
    { weight: 40, arbitrary: fc.constant(known(bearer(all))) },
    { weight: 4, arbitrary: fc.constant(known(bearer(some))) },
    { weight: 1, arbitrary: fc.constant(known({})) },
    {
      weight: 1,
      arbitrary: fc
        .constantFrom(...authorizations)
        .map((authorization) => ({ values: { ...required, authorization }, isOdd: true })),
    },
    {
      weight: 2,
      arbitrary: fc
        .constantFrom(...odd)
        .map((values) => ({ values: { ...bearer(all), ...values, ...required }, isOdd: true })),
    },
  );
}
