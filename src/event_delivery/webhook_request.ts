import { CloudEvent, HTTP } from 'cloudevents';
import type { Timestamp } from '../model/clock.ts';
import type { VaultEvent } from '../model/event.ts';
import { eventFacts } from '../model/event_facts.ts';
import type { Secret } from '../model/secret.ts';
import { signatureOf } from './signature.ts';

/** What is posted to a sink. */
export interface WebhookRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface WebhookRequestParts {
  /** Of the vault, a URI. */
  readonly source: string;
  readonly secrets: readonly Secret[];
  /** Of this try: receivers refuse what is some minutes old. */
  readonly sendTime: Timestamp;
}

/** An event as a CloudEvent 1.0 in JSON (structured mode), signed as Standard Webhooks says. Its id stays the same at each try. */
export function webhookRequestOf(
  event: VaultEvent,
  { source, secrets, sendTime }: WebhookRequestParts,
): WebhookRequest {
  const cloudEvent = new CloudEvent({
    specversion: '1.0',
    id: event.uid,
    source,
    type: `tokenvault.${event.type}`,
    ...(event.subject === '' ? {} : { subject: event.subject }),
    time: new Date(event.time).toISOString(),
    datacontenttype: 'application/json',
    severity: event.severity,
    data: eventFacts(event),
  });
  const { headers, body } = HTTP.structured(cloudEvent);
  const text = String(body);
  return {
    headers: {
      'content-type': String(headers['content-type']),
      'user-agent': 'token-vault',
      'webhook-id': event.uid,
      'webhook-timestamp': String(Math.floor(sendTime / 1_000)),
      'webhook-signature': signatureOf(event.uid, text, secrets, sendTime),
    },
    body: text,
  };
}
