import { createBoundedCache } from '../model/bounded_cache.ts';
import type { AuditEntry, AuditedToken, ClaimedIds } from './audit_log_interface.ts';

/** Formats an entry by template, with a fixed field order: ten times faster than `JSON.stringify`. */
export type EntryLine = (number: number, entry: AuditEntry) => string;

/** `instance` identifies this process in each line. */
export function createEntryLine(instance: string): EntryLine {
  const timeText = createTimeText(`,"instance":${quote(instance)},"request":`);
  const accessText = createAccessText();
  /** Cache hits pass the same object, so the text of a token is cached. */
  const tails = new WeakMap<AuditedToken, string>();

  function tailOf(token: AuditedToken): string {
    let tail = tails.get(token);
    if (tail === undefined) {
      tail = tokenTail(token);
      tails.set(token, tail);
    }
    return tail;
  }

  return (number, entry) => {
    const head = `{"n":${number}${timeText(entry.time)}${quote(entry.requestId)}${accessText(entry)}${quote(entry.resource)},"status":"${entry.status}","ms":${round(entry.duration)},"peer":${quote(entry.peer)}${traceText(entry)}`;
    if (entry.claimed !== undefined) return `${head}${claimedTail(entry.claimed)}}\n`;
    if (entry.affectedCallers !== undefined)
      return `${head},"affected_callers":${JSON.stringify(entry.affectedCallers)}}\n`;
    if (entry.note !== undefined) return `${head},"note":${quote(entry.note)}}\n`;
    return entry.token === undefined ? `${head}}\n` : `${head},${tailOf(entry.token)}\n`;
  };
}

function traceText({ traceparent }: AuditEntry): string {
  return traceparent === undefined ? '' : `,"traceparent":"${traceparent}"`;
}

function claimedTail({ key, certificate, token }: ClaimedIds): string {
  return [
    ['claimed_key', key],
    ['claimed_certificate', certificate],
    ['claimed_issuer', token?.issuer],
    ['claimed_subject', token?.subject],
  ]
    .map(([name, value]) => (value === undefined ? '' : `,"${name}":${quote(value)}`))
    .join('');
}

/** By `JSON.stringify`, because V8 keeps a concatenated string as a tree: 250 bytes more per token. */
function tokenTail(token: AuditedToken): string {
  const { requested, carried, excess, source, correlationId: correlation, fingerprint, expireTime, subject } = token;
  const token_end = new Date(expireTime).toISOString();
  const { directoryId: directory, userId: user, clientId: client } = subject ?? {};
  const ids = { correlation, token: fingerprint, token_end, directory, user, client };
  return JSON.stringify({ requested, carried, excess, source, ...ids }).slice(1);
}

/** Keeps the text of a millisecond, which the entries of a turn of the event loop share. `next` follows the time. */
function createTimeText(next: string): (time: number) => string {
  let known = Number.NaN;
  let text = '';
  return (time) => {
    const whole = Math.floor(time);
    if (whole !== known) {
      known = whole;
      text = flat(`,"time":"${new Date(whole).toISOString()}"${next}`);
    }
    return text;
  };
}

type Access = Pick<AuditEntry, 'caller' | 'credentialId' | 'rule' | 'method'>;

/** Removed callers are forgotten. */
const MOST_CALLERS = 1_000;

/** Keeps the text of the last access of each caller: most of its calls have the same rule and method. */
function createAccessText(): (access: Access) => string {
  const known = createBoundedCache<string, Access & { readonly text: string }>(MOST_CALLERS);
  return ({ caller, credentialId, rule, method }) => {
    const last = known.get(caller);
    if (last?.rule === rule && last.credentialId === credentialId && last.method === method) return last.text;
    const names = `,"caller":${quote(caller)},"credential":${quote(credentialId)},"rule":${quote(rule)}`;
    const text = flat(`${names},"method":"${method}","resource":`);
    known.set(caller, { caller, credentialId, rule, method, text });
    return text;
  };
}

/** V8 keeps a concatenated string as a tree, and would walk it at each use. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}

/** Most quoted values are ids of the vault and addresses, which need no escapes. */
const PLAIN = /^[\w./:~|@-]*$/;

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

function round(duration: number): number {
  return Math.round(duration * 1_000) / 1_000;
}
