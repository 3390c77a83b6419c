import type { AuditEntry, AuditedToken, ClaimedIds } from './audit_log_interface.ts';

/** Formats an entry by template, with a fixed field order: ten times faster than `JSON.stringify`. */
export type EntryLine = (number: number, entry: AuditEntry) => string;

/** `instance` identifies this process in each line. */
export function createEntryLine(instance: string): EntryLine {
  const quotedInstance = quote(instance);
  const startTimes = createIsoTime();
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
    const head = `{"n":${number},"time":"${startTimes(entry.time)}","instance":${quotedInstance},"request":${quote(entry.requestId)},"caller":${quote(entry.caller)},"credential":${quote(entry.credentialId)},"rule":${quote(entry.rule)},"method":"${entry.method}","resource":${quote(entry.resource)},"status":"${entry.status}","ms":${round(entry.duration)},"peer":${quote(entry.peer)}`;
    if (entry.claimed !== undefined) return `${head}${claimedTail(entry.claimed)}}\n`;
    if (entry.affectedCallers !== undefined)
      return `${head},"affected_callers":${JSON.stringify(entry.affectedCallers)}}\n`;
    if (entry.note !== undefined) return `${head},"note":${quote(entry.note)}}\n`;
    return entry.token === undefined ? `${head}}\n` : `${head},${tailOf(entry.token)}\n`;
  };
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

/** Caches the text of a second, because `toISOString` took 2 % of the time of a cache hit. */
function createIsoTime(): (time: number) => string {
  let second = Number.NaN;
  let text = '';
  return (time) => {
    const whole = Math.floor(time / 1_000) * 1_000;
    if (whole !== second) {
      second = whole;
      text = new Date(second).toISOString().slice(0, -4);
    }
    return `${text}${String(Math.floor(time - whole)).padStart(3, '0')}Z`;
  };
}

/** Most quoted values are ids of the vault and addresses, which need no escapes. */
const PLAIN = /^[\w./:~|@-]*$/;

function quote(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : JSON.stringify(text);
}

function round(duration: number): number {
  return Math.round(duration * 1_000) / 1_000;
}
