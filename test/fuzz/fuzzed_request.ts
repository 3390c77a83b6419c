import { type DescMethod, type Message, toBinary } from '@bufbuild/protobuf';
import fc, { type Arbitrary } from 'fast-check';
import { fuzzedBytes } from './fuzzed_bytes.ts';
import { type ApiKeys, type FuzzedHeaders, fuzzedHeaders } from './fuzzed_headers.ts';
import { fuzzedMessage } from './fuzzed_message.ts';
import { isServed, type Listener, METHODS } from './grpc_services.ts';

/** Mutated bytes, or a message that is generated from its descriptor. */
export type Kind = 'bytes' | 'structured';

export interface FuzzedRequest {
  readonly kind: Kind;
  readonly listener: Listener;
  readonly method: DescMethod;
  /** Another number than one for a stream of requests. */
  readonly messages: readonly (Uint8Array | Message)[];
  readonly headers: FuzzedHeaders;
  /** Up to where the response is read before the call is cancelled. */
  readonly reading: 'all' | 'first' | 'nothing';
}

export interface Seeds {
  readonly apiKeys: ApiKeys;
  /** Of apps and users. They must not be in any response. */
  readonly secrets: readonly string[];
}

/** Ends streams of responses. A stream of requests ends with its requests. */
const STREAM_TIMEOUT = { 'grpc-timeout': '40m' };
const LISTENERS = ['grpc', 'admin'] as const;
const PLACES = METHODS.flatMap((method) => LISTENERS.map((listener) => ({ method, listener })));
const SERVED = PLACES.filter(({ method, listener }) => isServed(method, listener));

/** Requests to all methods of both listeners. */
export function fuzzedRequests(seeds: Seeds, kind: Kind): Arbitrary<FuzzedRequest> {
  const requests = new Map(PLACES.map((place) => [place, requestsTo(place, seeds, kind)]));
  const places = fc.oneof(
    { weight: 60, arbitrary: fc.constantFrom(...SERVED) },
    { weight: 1, arbitrary: fc.constantFrom(...PLACES) },
  );
  return places.chain((place) => requests.get(place) as Arbitrary<FuzzedRequest>);
}

function requestsTo({ method, listener }: (typeof PLACES)[number], seeds: Seeds, kind: Kind): Arbitrary<FuzzedRequest> {
  const isStreamOfRequests = method.methodKind === 'bidi_streaming' || method.methodKind === 'client_streaming';
  const count = isStreamOfRequests ? { maxLength: 4 } : { minLength: 1, maxLength: 1 };
  return fc.record({
    kind: fc.constant(kind),
    listener: fc.constant(listener),
    method: fc.constant(method),
    messages: fc.array(messagesTo(method, seeds, kind), count),
    headers: fuzzedHeaders(seeds.apiKeys, method.methodKind === 'server_streaming' ? STREAM_TIMEOUT : {}),
    reading: fc.oneof(
      { weight: 12, arbitrary: fc.constant('all' as const) },
      { weight: 1, arbitrary: fc.constantFrom('first' as const, 'nothing' as const) },
    ),
  });
}

function messagesTo({ input }: DescMethod, { secrets }: Seeds, kind: Kind): Arbitrary<Uint8Array | Message> {
  if (kind === 'structured') return fuzzedMessage(input, secrets);
  // A mutation may move a secret to a field that the vault repeats in its response.
  const encoded = fuzzedMessage(input, ['a-secret-of-a-mutated-message']).map((message) => toBinary(input, message));
  return fuzzedBytes(input, encoded);
}
