import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';

export interface ReceivedSpan {
  /** Hex. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty: a root span. */
  readonly parentId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** A receiver of OTLP over HTTP with protobuf, on loopback. */
export async function startOtlpReceiver() {
  const spans: ReceivedSpan[] = [];
  const bodies: Buffer[] = [];
  const server = createServer(async (request, response) => {
    const body = await buffer(request);
    bodies.push(body);
    spans.push(...spansOf(body));
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    bodies,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Of an ExportTraceServiceRequest (opentelemetry/proto/collector/trace/v1/trace_service.proto). */
function spansOf(request: Uint8Array): ReceivedSpan[] {
  const scopes = messages(request, 1).flatMap((resource) => messages(resource, 2));
  return scopes.flatMap((scope) => messages(scope, 2)).map(spanOf);
}

function spanOf(span: Uint8Array): ReceivedSpan {
  const bytes = (field: number) => Buffer.from(messages(span, field)[0] ?? []);
  return {
    traceId: bytes(1).toString('hex'),
    spanId: bytes(2).toString('hex'),
    parentId: bytes(4).toString('hex'),
    name: bytes(5).toString(),
    attributes: Object.fromEntries(
      messages(span, 9).map((pair) => {
        const [key, value] = [messages(pair, 1)[0], messages(pair, 2)[0]].map((one) => Buffer.from(one ?? []));
        return [key?.toString() ?? '', Buffer.from(messages(value ?? Buffer.of(), 1)[0] ?? []).toString()];
      }),
    ),
  };
}

/** The length-delimited values of a field. */
function messages(message: Uint8Array, field: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    if (type === WireType.LengthDelimited && number === field) found.push(reader.bytes());
    else reader.skip(type, number);
  }
  return found;
}
