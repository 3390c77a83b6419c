/** A product's image for the connect page, small enough to be kept with the app. */
export interface Logo {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/webp';
  readonly image: Uint8Array;
  /** SHA-256 of the image, hex: its address, so that browsers may keep it for ever. */
  readonly hash: string;
}
