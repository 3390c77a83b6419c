import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';

const MASK = '[secret]';
/** Three characters of a shorter value would reveal too much. Entra's client secrets have 40. */
const SHORTEST_HINTED = 8;

/**
 * A value that cannot be printed by accident: string conversion, JSON and `util.inspect` show a mask.
 * Code that needs the value calls `reveal()`, which is easy to search for.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  /** For validation of input. */
  matches(pattern: RegExp): boolean {
    return pattern.test(this.#value);
  }

  /** Hex: identifies the value without revealing it. */
  sha256(): string {
    return createHash('sha256').update(this.#value).digest('hex');
  }

  /** The first 3 characters, as Graph and the portal show them; empty for a short value. */
  hint(): string {
    return this.#value.length < SHORTEST_HINTED ? '' : this.#value.slice(0, 3);
  }

  /** Parses an unencrypted private key in PEM; undefined for other text. The error is dropped, because OpenSSL's texts may quote the value. */
  privateKey(): KeyObject | undefined {
    try {
      return createPrivateKey({ key: this.#value, format: 'pem' });
    } catch {
      return undefined;
    }
  }

  toJSON(): string {
    return MASK;
  }

  toString(): string {
    return MASK;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return MASK;
  }
}
