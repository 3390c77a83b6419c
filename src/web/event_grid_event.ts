import { createHash } from 'node:crypto';

/** An event of Azure Event Grid, in its own schema or as a CloudEvent. */
export interface GridEvent {
  /** The same each time that it comes. */
  readonly identity: string;
  /** In lower case. */
  readonly type: string;
  readonly data: Fields;
}

/** By name, in lower case and without what is neither letter nor digit. */
type Fields = ReadonlyMap<string, unknown>;

/**
 * Lenient with names: Key Vault's events have `Id` beside `vaultName`, and Microsoft's own example has `objectName ` with a blank and a
 * version that begins with one. https://learn.microsoft.com/azure/event-grid/event-schema-key-vault
 */
export function readGridEvent(value: unknown): GridEvent | undefined {
  const event = fieldsOf(value);
  const id = textIn(event, 'id');
  const type = textIn(event, 'eventtype') ?? textIn(event, 'type');
  if (id === undefined || type === undefined) return undefined;
  // CloudEvents 1.0: source and id together name an event.
  const source = textIn(event, 'source') ?? textIn(event, 'topic') ?? '';
  const identity = createHash('sha256')
    .update(JSON.stringify([source, id]))
    .digest('base64');
  return { identity, type: type.toLowerCase(), data: fieldsOf(event.get('data')) };
}

/** What Event Grid wants to hear again before it sends anything. https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema */
export function validationCodeIn({ data }: GridEvent): string | undefined {
  const code = textIn(data, 'validationcode');
  return code !== undefined && /^[\w-]{1,128}$/.test(code) ? code : undefined;
}

/** The address of the secret that it is about; undefined where it has none. `keyVaults`: origins of those that may be meant. */
export function secretUriIn({ data }: GridEvent, keyVaults: readonly string[]): string | undefined {
  const id = textIn(data, 'id');
  if (id !== undefined && /^https:\/\/[^/\s]+\/secrets\/[^/\s]+/i.test(id)) return id;
  const [vault, name] = [textIn(data, 'vaultname')?.toLowerCase(), textIn(data, 'objectname')];
  if (vault === undefined || name === undefined || !/^[a-z0-9-]{1,63}$/.test(vault)) return undefined;
  const origin = keyVaults.find((one) => new URL(one).hostname.split('.')[0] === vault);
  return `${origin ?? `https://${vault}.vault.azure.net`}/secrets/${name}`;
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null) return new Map();
  return new Map(
    Object.entries(value)
      .map(([name, field]) => [name.toLowerCase().replaceAll(/[^a-z0-9]/g, ''), field] as const)
      // Of two that are alike, the first.
      .toReversed(),
  );
}

function textIn(fields: Fields, name: string): string | undefined {
  const value = fields.get(name);
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  return text === '' || text.length > 2_048 ? undefined : text;
}
