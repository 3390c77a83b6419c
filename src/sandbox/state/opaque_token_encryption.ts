import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** Prefix of a personal account's access tokens for Graph and Outlook, which are opaque instead of JWTs. */
export const PERSONAL_ACCESS_TOKEN = 'EwB';

/** Not a secret: it makes tokens opaque to their holder and reveals damaged ones. */
const KEY = createHash('sha256').update('the sandbox pretends').digest();

/** Encrypts JSON, padded to at least `size` bytes so that tokens are as long as Entra's. */
export function sealOpaque(prefix: string, content: object, size: number): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', KEY, nonce, { authTagLength: 16 });
  const text = JSON.stringify(content).padEnd(size, ' ');
  const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${prefix}${sealed.toString('base64url')}`;
}

/** Undefined: the token is damaged, or has another prefix. */
export function openOpaque<Content>(prefix: string, token: string): Content | undefined {
  if (!token.startsWith(prefix)) return undefined;
  const sealed = Buffer.from(token.slice(prefix.length), 'base64url');
  if (sealed.length < 29) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', KEY, sealed.subarray(0, 12), { authTagLength: 16 });
    decipher.setAuthTag(sealed.subarray(-16));
    const text = decipher.update(sealed.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8');
    const content: Content = JSON.parse(text);
    return content;
  } catch {
    return undefined;
  }
}
