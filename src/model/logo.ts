/** A product's image for the connect page. */
export interface Logo {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/webp';
  readonly image: Uint8Array;
  /** SHA-256 of the image, hex: part of its URL, so that browsers may cache it forever. */
  readonly hash: string;
}
