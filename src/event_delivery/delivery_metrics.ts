/** What the sinks count; `sink` is the id of one, of which the configuration names a few. */
export interface SinkMetrics {
  delivered(sink: string): void;
  /** One try; `why` is one of the few words of Fault (`timeout`, `redirect`, `tls`), or `HTTP 500`. */
  failed(sink: string, why: string): void;
  /** To alert on: an event was given up, and waits for somebody to mend the sink and send it again. */
  deadLettered(sink: string): void;
}

export const silentSinkMetrics: SinkMetrics = { delivered() {}, failed() {}, deadLettered() {} };
