import type { Http2Stream } from 'node:http2';

/**
 * The open streams of a connection, oldest first, with the methods of a Map that node:http2 uses. When a Map or Set
 * outgrows its table, the old table keeps a pointer to the new one. After a full collection the old one is dead in the old
 * space, and each following table survives all scavenges, with the streams in it (docs/adr/0048-open-streams-in-no-map.md).
 */
export class StreamsById<Stream extends Http2Stream> {
  /** Its keys are in ascending order, as those of streams are. */
  #streams: Record<number, Stream> = Object.create(null);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): Stream | undefined {
    return this.#streams[id];
  }

  has(id: number): boolean {
    return this.#streams[id] !== undefined;
  }

  set(id: number, stream: Stream): this {
    if (!this.has(id)) this.#size += 1;
    this.#streams[id] = stream;
    return this;
  }

  delete(id: number): boolean {
    if (!this.has(id)) return false;
    delete this.#streams[id];
    this.#size -= 1;
    return true;
  }

  clear(): void {
    this.#streams = Object.create(null);
    this.#size = 0;
  }

  values(): Stream[] {
    return Object.values(this.#streams);
  }

  forEach(visit: (stream: Stream, id: number) => void): void {
    for (const [id, stream] of Object.entries(this.#streams)) visit(stream, Number(id));
  }
}
