import type { AuditEntry } from './audit_log.ts';

/** Arrays of permissions are the same objects at every hit of a cached token, so their JSON is kept. */
const knownLists = new WeakMap<readonly string[], string>();

function listJson(list: readonly string[]): string {
  let json = knownLists.get(list);
  if (json === undefined) {
    json = JSON.stringify(list);
    knownLists.set(list, json);
  }
  return json;
}

/** By template, in a fixed order of fields: a tenth of the time of `JSON.stringify` over the whole entry. */
export function entryLine(number: number, instance: string, entry: AuditEntry): string {
  const head = `{"n":${number},"time":"${isoTime(entry.time)}","instance":${quote(instance)},"request":${quote(entry.requestId)},"caller":${quote(entry.caller)},"credential":${quote(entry.credentialId)},"rule":${quote(entry.rule)},"method":"${entry.method}","resource":${quote(entry.resource)},"status":"${entry.status}","ms":${round(entry.duration)}`;
  const token = entry.token;
  if (token === undefined) return `${head}}\n`;
  const correlation = token.correlationId === undefined ? '' : `,"correlation":${quote(token.correlationId)}`;
  return `${head},"requested":${JSON.stringify(token.requested)},"carried":${listJson(token.carried)},"source":"${token.source}"${correlation},"token":"${token.fingerprint}","token_end":"${isoTime(token.expireTime)}"}\n`;
}

/** Most of what is quoted is an id of our own making, which needs no escapes. */
const PLAIN = /^[\w./:~|@-]*$/;

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}

function round(duration: number): number {
  return Math.round(duration * 1_000) / 1_000;
}
