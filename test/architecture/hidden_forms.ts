/** How a secret may stand in a haystack: as it is, or in an encoding that somebody could undo. All in latin1, as haystacks are read. */
export function hiddenForms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const hex = bytes.toString('hex');
  return [
    ...new Set([
      bytes.toString('latin1'),
      JSON.stringify(secret).slice(1, -1),
      encodeURIComponent(secret),
      hex,
      hex.toUpperCase(),
      ...alignments(bytes, 'base64'),
      ...alignments(bytes, 'base64url'),
    ]),
  ];
}

/** Base64 of a text within another depends on where it begins: three ways, each without the characters that neighbours share. */
function alignments(bytes: Buffer, encoding: 'base64' | 'base64url'): string[] {
  return [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString(encoding)
      .replace(/=+$/, '');
    const whole = Math.floor(((before + bytes.length) * 8) / 6);
    return text.slice(before === 0 ? 0 : before + 1, whole);
  });
}
