import { createHash, createPrivateKey, type KeyObject } from 'node:crypto';

const MASK = '[secret]';
/** Of a shorter value, three characters would tell too much. Entra's client secrets have 40. */
const SHORTEST_HINTED = 8;

/**
 * A value that cannot print itself: string conversion, JSON and `util.inspect` show a mask.
 * Whoever needs the value says so with `reveal()`, which is easy to search for.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  /** Whether it has a form; for checks at the border, which need no more. */
  matches(pattern: RegExp): boolean {
    return pattern.test(this.#value);
  }

  /** Hex: how somebody names it without telling it. */
  sha256(): string {
    return createHash('sha256').update(this.#value).digest('hex');
  }

  /** Its first 3 characters, as Graph and the portal show them of a client secret; none of a short one. */
  hint(): string {
    return this.#value.length < SHORTEST_HINTED ? '' : this.#value.slice(0, 3);
  }

  /** As the private key that it is in PEM, unencrypted; undefined for anything else. Why is not told: OpenSSL's words may quote. */
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
